#include "server/mcp/offered.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "server/mcp/json_members.hpp"

namespace tutti::mcp {
namespace {

constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kUriBytesMax = 8192;

/// What Resource and ResourceTemplate have in common.
template <class Described>
void appendDescription(std::string& to, const Described& resource, Revision revision) {
  appendTextMember(to, "name", resource.name);
  if (hasTitle(revision)) appendTextMember(to, "title", resource.title);
  appendTextMember(to, "description", resource.description);
  appendTextMember(to, "mimeType", resource.mime_type);
  appendJsonMember(to, "annotations", resource.annotations);
  appendIcons(to, resource.icons, revision);
}

void appendArgument(std::string& to, const PromptArgument& argument, Revision revision) {
  to += '{';
  appendTextMember(to, "name", argument.name);
  if (hasTitle(revision)) appendTextMember(to, "title", argument.title);
  appendTextMember(to, "description", argument.description);
  appendJsonMember(to, "required", argument.presence == Presence::Required ? "true" : "false");
  to += '}';
}

Error invalid(std::string_view kind, std::string_view key, std::string_view what) {
  std::string message(kind);
  message.append(" '").append(shortened(key, kNameBytesMax)).append("': ").append(what);
  return Error(Code::InvalidArgument, std::move(message)).named("invalid_description");
}

bool isObjectOrNothing(const std::string& text) {
  if (text.empty()) return true;
  const auto value = json::parse(text);
  return value.ok() && value->is_object() && text.find('\n') == text.npos;
}

/// RFC 3986's scheme and a colon.
bool hasScheme(std::string_view uri) {
  const auto colon = uri.find(':');
  if (colon == uri.npos || colon == 0) return false;
  const std::string_view scheme = uri.substr(0, colon);
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return letter(scheme.front()) && std::all_of(scheme.begin(), scheme.end(), [letter](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
         });
}

template <class Described>
Status checkDescription(std::string_view kind, const std::string& uri, const Described& resource) {
  if (uri.size() > kUriBytesMax || !hasScheme(uri))
    return invalid(kind, uri, "it must be an absolute URI of at most 8192 bytes");
  if (resource.name.empty()) return invalid(kind, uri, "it needs a name");
  if (!isObjectOrNothing(resource.annotations) || !isObjectOrNothing(resource.meta))
    return invalid(kind, uri, "annotations and meta must be JSON objects on one line");
  if (const Status status = check(resource.icons); !status.ok())
    return invalid(kind, uri, status.error().message());
  return ok();
}

}  // namespace

void RegisteredPrompt::append(std::string& to, Revision revision) const {
  to += '{';
  appendTextMember(to, "name", prompt.name);
  if (hasTitle(revision)) appendTextMember(to, "title", prompt.title);
  appendTextMember(to, "description", prompt.description);
  if (!prompt.arguments.empty()) {
    to += ",\"arguments\":[";
    for (const PromptArgument& argument : prompt.arguments) {
      if (to.back() != '[') to += ',';
      appendArgument(to, argument, revision);
    }
    to += ']';
  }
  appendIcons(to, prompt.icons, revision);
  if (hasMeta(revision)) appendJsonMember(to, "_meta", prompt.meta);
  to += '}';
}

void RegisteredResource::append(std::string& to, Revision revision) const {
  to += '{';
  appendTextMember(to, "uri", resource.uri);
  appendDescription(to, resource, revision);
  if (resource.size) appendJsonMember(to, "size", std::to_string(*resource.size));
  if (hasMeta(revision)) appendJsonMember(to, "_meta", resource.meta);
  to += '}';
}

void RegisteredTemplate::append(std::string& to, Revision revision) const {
  to += '{';
  appendTextMember(to, "uriTemplate", resource.uri_template);
  appendDescription(to, resource, revision);
  if (hasMeta(revision)) appendJsonMember(to, "_meta", resource.meta);
  to += '}';
}

Status check(const Prompt& prompt) {
  if (prompt.name.empty() || prompt.name.size() > kNameBytesMax)
    return invalid("prompt", prompt.name, "a name has 1 to 256 bytes");
  std::set<std::string_view> names;
  for (const PromptArgument& argument : prompt.arguments)
    if (argument.name.empty() || !names.insert(argument.name).second)
      return invalid("prompt", prompt.name, "each argument needs a name of its own");
  if (!isObjectOrNothing(prompt.meta))
    return invalid("prompt", prompt.name, "meta must be a JSON object on one line");
  if (const Status status = check(prompt.icons); !status.ok())
    return invalid("prompt", prompt.name, status.error().message());
  return ok();
}

Status check(const Resource& resource) {
  return checkDescription("resource", resource.uri, resource);
}

Status check(const ResourceTemplate& resource) {
  return checkDescription("resource template", resource.uri_template, resource);
}

}  // namespace tutti::mcp
