#include "server/mcp/tool_registry.hpp"

#include <charconv>
#include <functional>
#include <utility>

#include "server/base/text.hpp"

namespace tutti::mcp {
namespace {

constexpr std::size_t kNameBytesMax = 128;

bool isToolName(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  for (const char c : name) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alnum && c != '_' && c != '.' && c != '-') return false;
  }
  return true;
}

Error badTool(std::string_view name, std::string_view what, std::string hint = {}) {
  std::string message = "tool '";
  message.append(shortened(name, kNameBytesMax)).append("': ").append(what);
  return Error(Code::InvalidArgument, std::move(message), std::move(hint)).named("invalid_tool");
}

bool hasObjectRoot(const Json& schema) {
  if (!schema.is_object()) return false;
  const auto type = schema.find("type");
  return type != schema.end() && type->is_string() &&
         type->get_ref<const std::string&>() == "object";
}

struct Compiled {
  json::Schema schema;
  bool object_root;
};

Result<Compiled> compile(const Tool& tool, std::string_view which, const std::string& text) {
  auto parsed = json::parse(text);
  if (!parsed.ok())
    return badTool(tool.name, std::string(which) + " schema: " + parsed.error().message());
  auto schema = json::Schema::compile(*parsed);
  if (!schema.ok())
    return badTool(tool.name, std::string(which) + " schema: " + schema.error().message());
  return Compiled{std::move(schema).value(), hasObjectRoot(*parsed)};
}

void appendHints(std::string& to, const Tool& tool) {
  const auto flag = [&to](std::string_view key, bool value) {
    to.append(key).append(value ? "true" : "false");
  };
  to += ",\"annotations\":{";
  if (!tool.title.empty()) {
    to += "\"title\":";
    appendJsonString(to, tool.title);
    to += ',';
  }
  flag("\"readOnlyHint\":", tool.annotations.read_only);
  flag(",\"destructiveHint\":", tool.annotations.destructive);
  flag(",\"idempotentHint\":", tool.annotations.idempotent);
  flag(",\"openWorldHint\":", tool.annotations.open_world);
  to += '}';
}

void appendTool(std::string& to, const RegisteredTool& entry, Revision revision) {
  const Tool& tool = entry.tool;
  to += "{\"name\":";
  appendJsonString(to, tool.name);
  if (hasTitle(revision) && !tool.title.empty()) {
    to += ",\"title\":";
    appendJsonString(to, tool.title);
  }
  to += ",\"description\":";
  appendJsonString(to, tool.description);
  to.append(",\"inputSchema\":").append(tool.input_schema);
  const bool shows_output = hasStructuredContent(revision) &&
                            (entry.output_is_object || !structuredMustBeObject(revision));
  if (entry.output && shows_output) to.append(",\"outputSchema\":").append(tool.output_schema);
  if (hasAnnotations(revision)) appendHints(to, tool);
  to += '}';
}

/// A schema file may span lines, but a frame is one line. Newlines inside JSON strings are escaped,
/// so any raw one stands between tokens and may become a space.
void flatten(std::string& json_text) {
  for (char& c : json_text)
    if (c == '\n' || c == '\r') c = ' ';
}

}  // namespace

Status ToolRegistry::add(Tool tool, ToolHandler handler) {
  if (!isToolName(tool.name))
    return badTool(tool.name, "a name has 1 to 128 characters of A-Z a-z 0-9 _ . -");
  if (by_name_.contains(tool.name)) return badTool(tool.name, "the name is taken already");
  flatten(tool.input_schema);
  flatten(tool.output_schema);
  auto input = compile(tool, "input", tool.input_schema);
  if (!input.ok()) return std::move(input).error();
  if (!input->object_root)
    return badTool(tool.name, "the input schema's root must have \"type\": \"object\"");

  auto entry = std::make_unique<RegisteredTool>(
      RegisteredTool{{}, std::move(handler), std::move(input->schema), std::nullopt, false});
  if (!tool.output_schema.empty()) {
    auto output = compile(tool, "output", tool.output_schema);
    if (!output.ok()) return std::move(output).error();
    entry->output_is_object = output->object_root;
    entry->output = std::move(output->schema);
  }
  entry->tool = std::move(tool);
  by_name_.emplace(entry->tool.name, entry.get());
  tools_.push_back(std::move(entry));
  for (Pages& pages : pages_) pages.clear();
  stamp_.clear();
  return ok();
}

const RegisteredTool* ToolRegistry::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::string> ToolRegistry::nearest(std::string_view name) const {
  std::vector<std::string> names;
  names.reserve(tools_.size());
  for (const auto& entry : tools_) names.push_back(entry->tool.name);
  return nearestNames(name, names);
}

const ToolRegistry::Pages& ToolRegistry::pagesOf(Revision revision) {
  Pages& pages = pages_[static_cast<std::size_t>(revision)];
  if (!pages.empty()) return pages;
  for (std::size_t i = 0; i < tools_.size(); ++i) {
    if (i % page_max_ == 0) pages.emplace_back("[");
    if (i % page_max_ != 0) pages.back() += ',';
    appendTool(pages.back(), *tools_[i], revision);
  }
  if (pages.empty()) pages.emplace_back("[");
  for (std::string& page : pages) page += ']';
  if (stamp_.empty()) {
    std::string all;
    for (const auto& entry : tools_) all.append(entry->tool.name).push_back('\n');
    stamp_ = std::to_string(std::hash<std::string>{}(all) % 1'000'000'007U);
  }
  return pages;
}

std::string ToolRegistry::cursorOf(std::size_t page) const {
  return "t" + std::to_string(page) + "-" + stamp_;
}

std::optional<ToolPage> ToolRegistry::page(Revision revision, std::string_view cursor) {
  const Pages& pages = pagesOf(revision);
  std::size_t index = 0;
  if (!cursor.empty()) {
    const char* first = cursor.data() + 1;
    const auto read = std::from_chars(first, cursor.data() + cursor.size(), index);
    if (read.ec != std::errc{} || index >= pages.size() || cursor != cursorOf(index))
      return std::nullopt;
  }
  const bool last = index + 1 == pages.size();
  return ToolPage{pages[index], last ? std::string() : cursorOf(index + 1)};
}

}  // namespace tutti::mcp
