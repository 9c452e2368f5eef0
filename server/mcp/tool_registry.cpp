#include "server/mcp/tool_registry.hpp"

#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/json_members.hpp"

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
  Json text;
  bool object_root;
};

enum class Strictness { Compiles, MayNotCompile };

Result<Compiled> compile(const Tool& tool, std::string_view which, const std::string& text,
                         Strictness strictness = Strictness::Compiles) {
  auto parsed = json::parse(text);
  if (!parsed.ok())
    return badTool(tool.name, std::string(which) + " schema: " + parsed.error().message());
  auto schema = json::Schema::compile(*parsed);
  if (!schema.ok() && strictness == Strictness::MayNotCompile)
    schema = json::Schema::compile(Json::object());  // takes anything
  if (!schema.ok())
    return badTool(tool.name, std::string(which) + " schema: " + schema.error().message());
  const bool object_root = hasObjectRoot(*parsed);
  return Compiled{std::move(schema).value(), std::move(*parsed), object_root};
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

bool isObjectOrNothing(const std::string& text) {
  if (text.empty()) return true;
  const auto value = json::parse(text);
  return value.ok() && value->is_object();
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
  if (tools_.find(tool.name) != nullptr) return badTool(tool.name, "the name is taken already");
  flatten(tool.input_schema);
  flatten(tool.output_schema);
  flatten(tool.meta);
  auto input = compile(tool, "input", tool.input_schema,
                       tool.unchecked_input ? Strictness::MayNotCompile : Strictness::Compiles);
  if (!input.ok()) return std::move(input).error();
  if (!input->object_root)
    return badTool(tool.name, "the input schema's root must have \"type\": \"object\"");
  auto header_parameters = headerParameters(input->text);
  if (!header_parameters.ok()) return badTool(tool.name, header_parameters.error().message());
  if (!isObjectOrNothing(tool.meta)) return badTool(tool.name, "meta must be a JSON object");
  if (const Status status = check(tool.icons); !status.ok())
    return badTool(tool.name, status.error().message());

  auto entry = std::make_shared<RegisteredTool>(
      RegisteredTool{{}, std::move(handler), std::move(input->schema), std::nullopt, false, {}});
  entry->header_parameters = std::move(*header_parameters);
  if (!tool.output_schema.empty()) {
    auto output = compile(tool, "output", tool.output_schema);
    if (!output.ok()) return std::move(output).error();
    entry->output_is_object = output->object_root;
    entry->output = std::move(output->schema);
  }
  entry->tool = std::move(tool);
  mirrors_arguments_ = mirrors_arguments_ || !entry->header_parameters.empty();
  tools_.add(std::move(entry));
  return ok();
}

namespace {

void appendTaskSupport(std::string& to, TaskSupport support) {
  if (support == TaskSupport::Forbidden) return;
  const bool required = support == TaskSupport::Required;
  appendJsonMember(to, "execution",
                   required ? R"({"taskSupport":"required"})" : R"({"taskSupport":"optional"})");
}

}  // namespace

void RegisteredTool::append(std::string& to, Revision revision) const {
  to += '{';
  appendTextMember(to, "name", tool.name);
  if (hasTitle(revision)) appendTextMember(to, "title", tool.title);
  to += ",\"description\":";
  appendJsonString(to, tool.description);
  appendJsonMember(to, "inputSchema", tool.input_schema);
  const bool shows_output =
      hasStructuredContent(revision) && (output_is_object || !structuredMustBeObject(revision));
  if (output && shows_output) appendJsonMember(to, "outputSchema", tool.output_schema);
  if (hasAnnotations(revision)) appendHints(to, tool);
  if (hasExperimentalTasks(revision)) appendTaskSupport(to, tool.task_support);
  appendIcons(to, tool.icons, revision);
  if (hasMeta(revision)) appendJsonMember(to, "_meta", tool.meta);
  to += '}';
}

}  // namespace tutti::mcp
