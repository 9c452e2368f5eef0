#include "server/mcp/tool_result.hpp"

#include "server/base/text.hpp"
#include "server/mcp/envelope.hpp"
#include "server/mcp/error_map.hpp"

namespace tutti::mcp {
namespace {

void appendText(std::string& to, std::string_view text) {
  to += "{\"content\":[{\"type\":\"text\",\"text\":";
  appendJsonString(to, text);
  to += "}]";
}

/// `text` stands first; without blocks there is always a text.
void appendBlocks(std::string& to, std::string_view text, const std::vector<Content>& blocks,
                  Revision revision) {
  if (blocks.empty()) return appendText(to, text);
  std::string_view before = "{\"content\":[";
  if (!text.empty()) {
    to.append(before);
    appendContent(to, Content::ofText(std::string(text)), revision);
    before = ",";
  }
  for (const Content& block : blocks) {
    to.append(before);
    appendContent(to, block, revision);
    before = ",";
  }
  to += ']';
}

/// Is there room in the output schema for {error:…}?
bool takesError(const RegisteredTool& tool, const std::string& structured) {
  if (!tool.output) return true;
  const auto value = json::parse(structured);
  return value.ok() && tool.output->validate(*value).empty();
}

/// Message and hint for the model, and the particulars that let it mend its call.
std::string textOf(const Error& error) {
  constexpr std::size_t kDetailsMax = 4000;
  std::string text = error.text();
  if (!error.details().empty()) text += "\n" + shortened(error.details(), kDetailsMax);
  return text;
}

}  // namespace

ResultTail makeTail(const std::string& server_info) {
  ResultTail tail;
  appendJsonString(tail.server_info, kMetaServerInfo);
  tail.server_info.append(":").append(server_info);
  tail.modern = ",\"resultType\":\"complete\",\"_meta\":{" + tail.server_info + "}";
  return tail;
}

void appendToolSuccess(std::string& to, const RegisteredTool& tool, const ToolOutput& output,
                       Revision revision, const ResultTail& tail) {
  const bool promised = tool.output.has_value() && !output.is_error;
  const bool has_value = !output.structured.is_null() || promised;
  const bool fits = output.structured.is_object() || !structuredMustBeObject(revision);
  const bool shows_value = has_value && hasStructuredContent(revision) && fits;
  const bool needs_text = output.text.empty() && output.content.empty();
  const bool needs_dump = has_value && (shows_value || needs_text);

  const std::string value = needs_dump ? json::dump(output.structured) : std::string();
  const std::string_view text = needs_text ? std::string_view(value) : output.text;
  to.reserve(to.size() + value.size() + text.size() + text.size() / 4 + 256);
  appendBlocks(to, text, output.content, revision);
  if (shows_value) to.append(",\"structuredContent\":").append(value);
  if (output.is_error) to += ",\"isError\":true";
  if (isModern(revision)) to += tail.modern;
  to += '}';
}

void appendToolFailure(std::string& to, const RegisteredTool& tool, const Error& error,
                       Revision revision, const ResultTail& tail) {
  std::string structured = "{\"error\":";
  structured.append(errorObject(error)).push_back('}');
  appendText(to, textOf(error));
  to += ",\"isError\":true";
  const bool in_content = hasStructuredContent(revision) && takesError(tool, structured);
  if (in_content) to.append(",\"structuredContent\":").append(structured);
  if (isModern(revision)) to += ",\"resultType\":\"complete\"";
  if (isModern(revision) || !in_content) {
    to += ",\"_meta\":{";
    if (isModern(revision)) to += tail.server_info;
    if (!in_content) {
      if (isModern(revision)) to += ',';
      appendJsonString(to, kMetaError);
      to.append(":").append(errorObject(error));
    }
    to += '}';
  }
  to += '}';
}

Error invalidArguments(std::string_view tool, const std::vector<json::SchemaError>& errors) {
  std::string message = "the arguments of '";
  message.append(tool).append("' miss its schema: ").append(json::errorsText(errors));
  return Error(Code::InvalidArgument, std::move(message), "mend the arguments and call again")
      .named("invalid_arguments")
      .withDetails(json::errorsJson(errors));
}

}  // namespace tutti::mcp
