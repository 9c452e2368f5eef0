#include "server/mcp/content.hpp"

#include <utility>

#include "server/base/digest.hpp"
#include "server/base/text.hpp"

namespace tutti::mcp {
namespace {

void appendMember(std::string& to, std::string_view key, std::string_view text) {
  to.append(",\"").append(key).append("\":");
  appendJsonString(to, text);
}

void appendValue(std::string& to, std::string_view key, const Json& value) {
  if (value.is_null()) return;
  to.append(",\"").append(key).append("\":").append(json::dump(value));
}

void appendText(std::string& to, std::string_view text, const Json& annotations) {
  to += "{\"type\":\"text\"";
  appendMember(to, "text", text);
  appendValue(to, "annotations", annotations);
  to += '}';
}

void appendMedia(std::string& to, std::string_view type, const Content& content) {
  to.append("{\"type\":\"").append(type).append("\"");
  appendMember(to, "data", content.data);
  appendMember(to, "mimeType", content.mime_type);
  appendValue(to, "annotations", content.annotations);
  to += '}';
}

void appendAudio(std::string& to, const Content& content, Revision revision) {
  if (hasAudio(revision)) return appendMedia(to, "audio", content);
  appendText(to, "[audio, " + content.mime_type + ": this client's revision of MCP has no audio]",
             content.annotations);
}

void appendLink(std::string& to, const Content& content, Revision revision) {
  if (!hasResourceLinks(revision)) {
    const std::string name = json::stringOr(content.link, "name", "resource");
    const std::string title = json::stringOr(content.link, "title", name);
    return appendText(to, title + ": " + json::stringOr(content.link, "uri", ""),
                      content.annotations);
  }
  Json link = content.link;
  link["type"] = "resource_link";
  if (!content.annotations.is_null()) link["annotations"] = content.annotations;
  to += json::dump(link);
}

void appendResource(std::string& to, const Content& content) {
  to += "{\"type\":\"resource\",\"resource\":";
  appendContents(to, content.resource);
  appendValue(to, "annotations", content.annotations);
  to += '}';
}

Content media(Content::Kind kind, std::string base64, std::string mime_type) {
  Content content;
  content.kind = kind;
  content.data = std::move(base64);
  content.mime_type = std::move(mime_type);
  return content;
}

}  // namespace

ResourceContents ResourceContents::ofBytes(std::string uri, std::string mime_type,
                                           std::string_view bytes) {
  ResourceContents contents;
  contents.uri = std::move(uri);
  contents.mime_type = std::move(mime_type);
  contents.binary = !isValidUtf8(bytes) || bytes.find('\0') != bytes.npos;
  if (contents.binary)
    contents.blob = base64(bytes);
  else
    contents.text = bytes;
  return contents;
}

Content Content::ofText(std::string text) {
  Content content;
  content.text = std::move(text);
  return content;
}

Content Content::ofImage(std::string base64, std::string mime_type) {
  return media(Kind::Image, std::move(base64), std::move(mime_type));
}

Content Content::ofAudio(std::string base64, std::string mime_type) {
  return media(Kind::Audio, std::move(base64), std::move(mime_type));
}

Content Content::ofResource(ResourceContents contents) {
  Content content;
  content.kind = Kind::Resource;
  content.resource = std::move(contents);
  return content;
}

Content Content::ofLink(Json resource) {
  Content content;
  content.kind = Kind::ResourceLink;
  content.link = std::move(resource);
  return content;
}

void appendContent(std::string& to, const Content& content, Revision revision) {
  switch (content.kind) {
    case Content::Kind::Text:
      return appendText(to, content.text, content.annotations);
    case Content::Kind::Image:
      return appendMedia(to, "image", content);
    case Content::Kind::Audio:
      return appendAudio(to, content, revision);
    case Content::Kind::ResourceLink:
      return appendLink(to, content, revision);
    case Content::Kind::Resource:
      return appendResource(to, content);
  }
}

void appendContents(std::string& to, const ResourceContents& contents) {
  to += "{\"uri\":";
  appendJsonString(to, contents.uri);
  if (!contents.mime_type.empty()) appendMember(to, "mimeType", contents.mime_type);
  if (contents.binary)
    appendMember(to, "blob", contents.blob);
  else
    appendMember(to, "text", contents.text);
  appendValue(to, "_meta", contents.meta);
  to += '}';
}

}  // namespace tutti::mcp
