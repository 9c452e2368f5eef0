// What a tool, a prompt or a resource shows to a model or a person.
#pragma once

#include <nlohmann/json.hpp>  // Content holds a value
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"
#include "server/mcp/revision.hpp"

namespace tutti::mcp {

/// What reading a resource gives: text, or bytes in base64.
struct ResourceContents {
  std::string uri;
  std::string mime_type;  ///< may be empty
  std::string text;       ///< of a text resource
  std::string blob;       ///< base64; a binary resource when `binary`
  bool binary = false;
  Json meta;  ///< `_meta`; null: none

  /// Text where the bytes are one (UTF-8 without NUL), else base64.
  static ResourceContents ofBytes(std::string uri, std::string mime_type, std::string_view bytes);
};

/// One content block. Revisions that lack a kind get the nearest one they have.
struct Content {
  enum class Kind { Text, Image, Audio, ResourceLink, Resource };
  Kind kind = Kind::Text;
  std::string text;           ///< Text
  std::string data;           ///< Image, Audio: base64
  std::string mime_type;      ///< Image, Audio
  ResourceContents resource;  ///< Resource
  Json link;                  ///< ResourceLink: the members of a Resource object
  Json annotations;           ///< audience, priority, lastModified; null: none

  static Content ofText(std::string text);
  static Content ofImage(std::string base64, std::string mime_type);
  static Content ofAudio(std::string base64, std::string mime_type);
  static Content ofResource(ResourceContents contents);
  static Content ofLink(Json resource);
};

/// Appends the block as `revision` has it: audio for 2024-11-05 and links before 2025-06-18 become
/// text that says what they are.
void appendContent(std::string& to, const Content& content, Revision revision);

/// Appends one element of `contents` of resources/read.
void appendContents(std::string& to, const ResourceContents& contents);

}  // namespace tutti::mcp
