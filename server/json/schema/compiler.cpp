#include "server/json/schema/compiler.hpp"

#include <algorithm>

#include "server/json/schema/print.hpp"

namespace tutti::json::schema {
namespace {
std::string pointerStep(std::string_view step) {
  std::string out = "/";
  for (const char c : step) {
    if (c == '~' || c == '/') {
      out += c == '~' ? "~0" : "~1";
    } else {
      out += c;
    }
  }
  return out;
}
}  // namespace

Result<std::unique_ptr<Program>> Compiler::run(const Json& schema) {
  const auto root = documents_.add(schema, "", Dialect{.draft = options_.default_draft});
  if (!root.ok()) {
    if (root.error().code() == Code::ResourceExhausted) return root.error();
    return wrong(root.error().message(), root.error().hint());
  }
  const auto node = nodeFor(schema, *root, nullptr);
  if (!node.ok()) return node.error();
  program_->root = *node;
  while (!open_.empty())
    if (Status done = compileNext(); !done.ok()) return done.error();
  return std::move(program_);
}

Status Compiler::compileNext() {
  work_ = open_.back();
  open_.pop_back();
  if (const auto* flag = work_.schema->get_ptr<const Json::boolean_t*>()) {
    work_.node->kind = *flag ? Node::Kind::Anything : Node::Kind::Nothing;
    return ok();
  }
  const auto* schema = work_.schema->get_ptr<const Object*>();
  if (schema == nullptr)
    return wrong("a schema must be an object or a boolean, not " + shown(*work_.schema));
  if (schema->empty()) {
    work_.node->kind = Node::Kind::Anything;
    return ok();
  }
  return compileSchema(*schema);
}

Status Compiler::compileSchema(const Object& schema) {
  using Step = Status (Compiler::*)(const Object&);
  if (Status done = compileReferences(schema); !done.ok()) return done;
  if (Status done = compileDefinitions(schema); !done.ok()) return done;
  // In draft-07 a "$ref" hides everything beside it.
  if (dialect().draft == Draft::k7 && member(schema, "$ref") != nullptr) return ok();
  if (dialect().validation)
    for (const Step step :
         {&Compiler::compileValues, &Compiler::compileNumbers, &Compiler::compileStrings,
          &Compiler::compileArraySizes, &Compiler::compileObjectSizes})
      if (Status done = (this->*step)(schema); !done.ok()) return done;
  if (dialect().format)
    if (Status done = compileFormat(schema); !done.ok()) return done;
  if (dialect().applicator)
    for (const Step step :
         {&Compiler::compileArrays, &Compiler::compileObjects, &Compiler::compileLogic})
      if (Status done = (this->*step)(schema); !done.ok()) return done;
  if (dialect().unevaluated && dialect().draft != Draft::k7) return compileUnevaluated(schema);
  return ok();
}

Result<const Node*> Compiler::nodeFor(const Json& schema, ResourceId resource, const Place* place) {
  const auto known = nodes_.find(&schema);
  if (known != nodes_.end()) return static_cast<const Node*>(known->second);
  // Metaschemas come on top of what the author wrote, so that a limit just met stays met.
  constexpr std::size_t kMetaschemaNodes = 1000;
  if (program_->nodes.size() >= options_.nodes_max + kMetaschemaNodes)
    return Error(Code::ResourceExhausted,
                 "a schema of more than " + std::to_string(options_.nodes_max) + " subschemas")
        .named("schema_too_large");
  Node& node = program_->nodes.emplace_back();
  node.resource = resource;
  nodes_.emplace(&schema, &node);
  open_.push_back({&node, &schema, place});
  if (Status done = anchorsOf(resource, place); !done.ok()) return done.error();
  return static_cast<const Node*>(&node);
}

/// Once a resource is in use, a $dynamicRef may land on any of its dynamic anchors.
Status Compiler::anchorsOf(ResourceId resource, const Place* place) {
  auto& all = program_->dynamic_anchors;
  if (resource < all.size() && !all[resource].empty()) return ok();
  const auto& anchors = documents_.resource(resource).dynamic_anchors;
  if (anchors.empty()) return ok();
  if (all.size() <= resource) all.resize(resource + 1);
  for (const auto& anchor : anchors) all[resource].emplace_back(anchor.first, nullptr);
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const auto node = nodeFor(*anchors[i].second, resource, place);
    if (!node.ok()) return node.error();
    program_->dynamic_anchors[resource][i].second = *node;
  }
  return ok();
}

const Compiler::Place* Compiler::placeOf(std::string_view keyword,
                                         std::optional<std::string> step) {
  places_.push_back({work_.place, std::string(keyword), std::move(step)});
  return &places_.back();
}

Result<const Node*> Compiler::below(const Json& value, std::string_view keyword) {
  const Place* place = placeOf(keyword, std::nullopt);
  return nodeFor(value, documents_.resourceOf(value, work_.node->resource), place);
}

Result<const Node*> Compiler::below(const Json& value, std::string_view keyword, std::string step) {
  const Place* place = placeOf(keyword, std::move(step));
  return nodeFor(value, documents_.resourceOf(value, work_.node->resource), place);
}

Error Compiler::wrong(std::string message, std::string hint) const {
  std::vector<std::string> steps;
  for (const Place* place = work_.place; place != nullptr; place = place->parent) {
    if (place->step) steps.push_back(pointerStep(*place->step));
    steps.push_back(pointerStep(place->keyword));
  }
  std::string path;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) path += *step;
  return Error(Code::InvalidArgument, "invalid schema at '" + path + "': " + message,
               std::move(hint))
      .named("invalid_schema");
}

Error Compiler::wrongType(std::string_view keyword, std::string_view wanted,
                          const Json& found) const {
  std::string message = "'";
  message.append(keyword).append("' must be ").append(wanted).append(", not ").append(shown(found));
  return wrong(std::move(message));
}

}  // namespace tutti::json::schema
