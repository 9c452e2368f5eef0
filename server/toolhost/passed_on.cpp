#include "server/toolhost/passed_on.hpp"

#include <algorithm>

#include "server/base/text.hpp"
#include "server/json/schema/schema.hpp"
#include "server/mcp/uri_template.hpp"
#include "server/rpc/scan.hpp"

namespace tutti::toolhost {
namespace {

constexpr std::size_t kNameShownMax = 128;

bool hasObjectRoot(const Json& schema) {
  return schema.is_object() && json::stringOr(schema, "type", "") == "object";
}

bool compiles(const Json& schema) {
  return json::Schema::compile(schema).ok();
}

/// The member's bytes as the server wrote them.
std::string memberText(const mcp::client::ListEntry& entry, std::string_view key) {
  std::string text(rpc::memberSpan(entry.text, key));
  if (text.empty()) text = json::dump(*json::find(entry.value, key));
  return text;
}

mcp::ToolAnnotations annotationsOf(const Json* hints) {
  const Json none = Json::object();
  const Json& given = hints != nullptr && hints->is_object() ? *hints : none;
  // What a server does not say is what MCP assumes: the worse.
  mcp::ToolAnnotations annotations;
  annotations.read_only = json::booleanOr(given, "readOnlyHint", false);
  annotations.destructive = json::booleanOr(given, "destructiveHint", !annotations.read_only);
  annotations.idempotent = json::booleanOr(given, "idempotentHint", false);
  annotations.open_world = json::booleanOr(given, "openWorldHint", true);
  return annotations;
}

mcp::ResourceContents contentsOf(const Json& resource, const std::string& prefix) {
  mcp::ResourceContents contents;
  contents.uri = prefix + json::stringOr(resource, "uri", "");
  contents.mime_type = json::stringOr(resource, "mimeType", "");
  contents.text = json::stringOr(resource, "text", "");
  if (const Json* blob = json::find(resource, "blob"); blob != nullptr && blob->is_string()) {
    contents.blob = blob->get<std::string>();
    contents.binary = true;
  }
  if (const Json* meta = json::find(resource, "_meta")) contents.meta = *meta;
  return contents;
}

mcp::Content linkOf(Json block, const std::string& prefix) {
  block["uri"] = prefix + json::stringOr(block, "uri", "");
  block.erase("type");
  block.erase("annotations");
  return mcp::Content::ofLink(std::move(block));
}

mcp::Content contentOf(const Json& block, const std::string& prefix) {
  const std::string type = json::stringOr(block, "type", "");
  mcp::Content content;
  if (type == "text") {
    content = mcp::Content::ofText(json::stringOr(block, "text", ""));
  } else if (type == "image") {
    content = mcp::Content::ofImage(json::stringOr(block, "data", ""),
                                    json::stringOr(block, "mimeType", ""));
  } else if (type == "audio") {
    content = mcp::Content::ofAudio(json::stringOr(block, "data", ""),
                                    json::stringOr(block, "mimeType", ""));
  } else if (const Json* resource = json::find(block, "resource");
             type == "resource" && resource != nullptr && resource->is_object()) {
    content = mcp::Content::ofResource(contentsOf(*resource, prefix));
  } else if (type == "resource_link") {
    content = linkOf(block, prefix);
  } else {
    content = mcp::Content::ofText(json::dump(block));  // a kind that is not known yet
  }
  if (const Json* annotations = json::find(block, "annotations"))
    content.annotations = *annotations;
  return content;
}

/// Those of an entry's icons that may be shown, up to a bound: what a server wants to have loaded
/// by other people's clients is not to be trusted, and every list carries it.
std::vector<mcp::Icon> iconsOf(const Json& entry) {
  constexpr std::size_t kIconsMax = 8;
  constexpr std::size_t kIconsBytesMax = 64U * 1024;
  std::vector<mcp::Icon> icons;
  const Json* given = json::find(entry, "icons");
  if (given == nullptr || !given->is_array()) return icons;
  std::size_t bytes = 0;
  for (const Json& each : *given) {
    if (icons.size() >= kIconsMax) break;
    if (!each.is_object()) continue;
    mcp::Icon icon{json::stringOr(each, "src", ""), json::stringOr(each, "mimeType", "")};
    if (auto sizes = json::readStrings(each, "sizes"); sizes.ok() && *sizes)
      icon.sizes = std::move(**sizes);
    const std::string theme = json::stringOr(each, "theme", "");
    if (theme == "light") icon.theme = mcp::IconTheme::Light;
    if (theme == "dark") icon.theme = mcp::IconTheme::Dark;
    const bool usable = icon.sizes.size() <= kIconsMax && mcp::check({icon}).ok();
    if (!usable || bytes + icon.src.size() > kIconsBytesMax) continue;
    bytes += icon.src.size();
    icons.push_back(std::move(icon));
  }
  return icons;
}

Error noResultOf(std::string_view what) {
  return Error(Code::Internal, "the server's answer is no result of a " + std::string(what),
               "this is a fault of the server; report it there")
      .named("invalid_answer");
}

}  // namespace

Result<OfferedTool> offeredTool(const mcp::client::ListEntry& entry) {
  OfferedTool offered;
  offered.name = json::stringOr(entry.value, "name", "");
  const auto bad = [&](const std::string& what) {
    return Error(Code::InvalidArgument,
                 "tool '" + shortened(offered.name, kNameShownMax) + "' " + what);
  };
  if (offered.name.empty()) return bad("has no name");
  const Json* input = json::find(entry.value, "inputSchema");
  if (input == nullptr || !hasObjectRoot(*input))
    return bad("has no input schema whose root is an object");
  auto marked = mcp::headerParameters(*input);
  if (!marked.ok()) return bad("cannot be called over HTTP: " + marked.error().message());
  offered.header_parameters = std::move(*marked);
  offered.description = entry.text;
  mcp::Tool& tool = offered.tool;
  const Json* hints = json::find(entry.value, "annotations");
  tool.title = json::stringOr(entry.value, "title", "");
  if (tool.title.empty() && hints != nullptr && hints->is_object())
    tool.title = json::stringOr(*hints, "title", "");
  tool.description = json::stringOr(entry.value, "description", "");
  tool.annotations = annotationsOf(hints);
  tool.icons = iconsOf(entry.value);
  tool.input_schema = memberText(entry, "inputSchema");
  tool.unchecked_input = !compiles(*input);
  const Json* output = json::find(entry.value, "outputSchema");
  if (output != nullptr && compiles(*output))
    tool.output_schema = memberText(entry, "outputSchema");
  return offered;
}

Result<mcp::ToolOutput> passedOn(const mcp::client::Reply& reply, const std::string& prefix) {
  const Json* blocks = json::find(reply.value, "content");
  const Json* structured = json::find(reply.value, "structuredContent");
  if ((blocks != nullptr && !blocks->is_array()) || (blocks == nullptr && structured == nullptr))
    return noResultOf("tool");
  mcp::ToolOutput output;
  output.is_error = json::booleanOr(reply.value, "isError", false);
  if (structured != nullptr) output.structured = *structured;
  if (blocks != nullptr)
    for (const Json& block : *blocks)
      if (block.is_object()) output.content.push_back(contentOf(block, prefix));
  return output;
}

Result<OfferedPrompt> offeredPrompt(const mcp::client::ListEntry& entry) {
  OfferedPrompt offered;
  offered.name = json::stringOr(entry.value, "name", "");
  if (offered.name.empty()) return Error(Code::InvalidArgument, "a prompt has no name");
  offered.description = entry.text;
  offered.prompt.title = json::stringOr(entry.value, "title", "");
  offered.prompt.description = json::stringOr(entry.value, "description", "");
  offered.prompt.icons = iconsOf(entry.value);
  const Json* arguments = json::find(entry.value, "arguments");
  if (arguments == nullptr || !arguments->is_array()) return offered;
  for (const Json& each : *arguments) {
    if (!each.is_object()) continue;
    mcp::PromptArgument argument;
    argument.name = json::stringOr(each, "name", "");
    argument.title = json::stringOr(each, "title", "");
    argument.description = json::stringOr(each, "description", "");
    if (json::booleanOr(each, "required", false)) argument.presence = mcp::Presence::Required;
    offered.prompt.arguments.push_back(std::move(argument));
  }
  return offered;
}

Result<mcp::PromptOutput> promptPassedOn(const mcp::client::Reply& reply,
                                         const std::string& prefix) {
  const Json* messages = json::find(reply.value, "messages");
  if (messages == nullptr || !messages->is_array()) return noResultOf("prompt");
  mcp::PromptOutput output;
  output.description = json::stringOr(reply.value, "description", "");
  for (const Json& each : *messages) {
    const Json* content = each.is_object() ? json::find(each, "content") : nullptr;
    if (content == nullptr || !content->is_object()) return noResultOf("prompt");
    const bool assistant = json::stringOr(each, "role", "") == "assistant";
    output.messages.push_back(
        {assistant ? mcp::Role::Assistant : mcp::Role::User, contentOf(*content, prefix)});
  }
  return output;
}

Result<mcp::CompletionOutput> completionPassedOn(const mcp::client::Reply& reply) {
  const Json* completion = json::find(reply.value, "completion");
  const Json* values = completion != nullptr && completion->is_object()
                           ? json::find(*completion, "values")
                           : nullptr;
  if (values == nullptr || !values->is_array()) return noResultOf("completion");
  mcp::CompletionOutput output;
  for (const Json& value : *values)
    if (value.is_string()) output.values.push_back(value.get<std::string>());
  const Json* total = json::find(*completion, "total");
  if (total != nullptr && total->is_number_integer()) output.total = total->get<std::int64_t>();
  return output;
}

namespace {

/// What Resource and ResourceTemplate have in common.
template <class Described>
void describe(Described& to, const Json& entry, const std::string& uri) {
  to.name = json::stringOr(entry, "name", "");
  if (to.name.empty()) to.name = uri;
  to.title = json::stringOr(entry, "title", "");
  to.description = json::stringOr(entry, "description", "");
  to.mime_type = json::stringOr(entry, "mimeType", "");
  to.icons = iconsOf(entry);
  const auto object = [&entry](const char* key) {
    const Json* value = json::find(entry, key);
    return value != nullptr && value->is_object() ? json::dump(*value) : std::string();
  };
  to.annotations = object("annotations");
  to.meta = object("_meta");
}

constexpr std::size_t kUriBytesMax = 4096;

/// The entry's URI, or its template.
Result<std::string> uriOf(const Json& entry, const char* key) {
  std::string uri = json::stringOr(entry, key, "");
  if (uri.empty())
    return Error(Code::InvalidArgument, std::string("a resource has no '") + key + "'");
  if (uri.size() > kUriBytesMax)
    return Error(Code::InvalidArgument, "resource '" + shortened(uri, kNameShownMax) +
                                            "' has more than 4096 bytes of '" + key + "'");
  return uri;
}

}  // namespace

Result<OfferedResource> offeredResource(const mcp::client::ListEntry& entry) {
  auto uri = uriOf(entry.value, "uri");
  if (!uri.ok()) return std::move(uri).error();
  OfferedResource offered;
  offered.description = entry.text;
  offered.resource.uri = *uri;
  describe(offered.resource, entry.value, *uri);
  const Json* size = json::find(entry.value, "size");
  if (size != nullptr && size->is_number_integer() && size->get<std::int64_t>() >= 0)
    offered.resource.size = size->get<std::int64_t>();
  return offered;
}

Result<OfferedTemplate> offeredTemplate(const mcp::client::ListEntry& entry) {
  auto uri = uriOf(entry.value, "uriTemplate");
  if (!uri.ok()) return std::move(uri).error();
  if (const auto compiled = mcp::UriTemplate::compile(*uri); !compiled.ok())
    return compiled.error();
  OfferedTemplate offered;
  offered.description = entry.text;
  offered.resource.uri_template = *uri;
  describe(offered.resource, entry.value, *uri);
  return offered;
}

Result<mcp::ResourceOutput> resourcePassedOn(const mcp::client::Reply& reply,
                                             const std::string& prefix) {
  const Json* contents = json::find(reply.value, "contents");
  if (contents == nullptr || !contents->is_array()) return noResultOf("resource");
  mcp::ResourceOutput output;
  for (const Json& each : *contents) {
    if (!each.is_object()) return noResultOf("resource");
    output.contents.push_back(contentsOf(each, prefix));
  }
  output.ttl_ms = std::max<std::int64_t>(0, json::integerOr(reply.value, "ttlMs", 0));
  if (json::stringOr(reply.value, "cacheScope", "") == "public")
    output.scope = mcp::CacheScope::Public;
  return output;
}

}  // namespace tutti::toolhost
