// What callers may give as names, tags, metadata and types.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/base/ids.hpp"
#include "server/base/text.hpp"
#include "server/documents/types.hpp"

namespace tutti::documents {
namespace {
Error invalid(const char* name, std::string message, std::string hint = {}) {
  return Error(Code::InvalidArgument, std::move(message), std::move(hint)).named(name);
}

bool hasControls(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == 0x7f) return true;
    // U+0080 to U+009F.
    if (byte == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0)
      return true;
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lowered(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

struct TypeOfExtension {
  std::string_view extension;
  std::string_view type;
};
// AOF's additions first, then what agents write and read most; sorted by nothing, for it is short.
constexpr TypeOfExtension kTypes[] = {
    {"md", "text/markdown"},
    {"markdown", "text/markdown"},
    {"yaml", "text/yaml"},
    {"yml", "text/yaml"},
    {"json", "application/json"},
    {"jsonl", "application/jsonl"},
    {"toml", "application/toml"},
    {"ini", "text/plain"},
    {"conf", "text/plain"},
    {"log", "text/plain"},
    {"txt", "text/plain"},
    {"text", "text/plain"},
    {"csv", "text/csv"},
    {"tsv", "text/tab-separated-values"},
    {"html", "text/html"},
    {"htm", "text/html"},
    {"css", "text/css"},
    {"js", "text/javascript"},
    {"mjs", "text/javascript"},
    {"cjs", "text/javascript"},
    {"ts", "text/x-typescript"},
    {"tsx", "text/x-typescript"},
    {"jsx", "text/javascript"},
    {"py", "text/x-python"},
    {"sh", "text/x-shellscript"},
    {"bash", "text/x-shellscript"},
    {"c", "text/x-c"},
    {"h", "text/x-c"},
    {"cpp", "text/x-c++"},
    {"cc", "text/x-c++"},
    {"hpp", "text/x-c++"},
    {"rs", "text/x-rust"},
    {"go", "text/x-go"},
    {"java", "text/x-java"},
    {"kt", "text/x-kotlin"},
    {"rb", "text/x-ruby"},
    {"php", "text/x-php"},
    {"swift", "text/x-swift"},
    {"cs", "text/x-csharp"},
    {"lua", "text/x-lua"},
    {"sql", "text/x-sql"},
    {"diff", "text/x-diff"},
    {"patch", "text/x-diff"},
    {"tex", "text/x-tex"},
    {"rst", "text/x-rst"},
    {"cmake", "text/x-cmake"},
    {"xml", "application/xml"},
    {"svg", "image/svg+xml"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"wasm", "application/wasm"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"ico", "image/vnd.microsoft.icon"},
    {"mp3", "audio/mpeg"},
    {"wav", "audio/x-wav"},
    {"ogg", "audio/ogg"},
    {"flac", "audio/flac"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"mov", "video/quicktime"},
};

constexpr std::string_view kTextTypes[] = {
    "application/json",       "application/jsonl",      "application/x-ndjson",
    "application/xml",        "application/yaml",       "application/x-yaml",
    "application/toml",       "application/javascript", "application/ecmascript",
    "application/typescript", "application/x-sh",       "application/sql",
    "application/graphql",    "application/xhtml+xml",
};
}  // namespace

std::string contentTypeOf(std::string_view filename) {
  const auto dot = filename.rfind('.');
  if (dot != filename.npos) {
    const std::string extension = lowered(filename.substr(dot + 1));
    for (const TypeOfExtension& known : kTypes)
      if (known.extension == extension) return std::string(known.type);
  }
  return "application/octet-stream";
}

bool isTextType(std::string_view content_type) {
  const std::string type = lowered(trimmed(content_type.substr(0, content_type.find(';'))));
  if (type.starts_with("text/") || type.ends_with("+json") || type.ends_with("+xml")) return true;
  return std::find(std::begin(kTextTypes), std::end(kTextTypes), type) != std::end(kTextTypes);
}

std::string newDocumentId() {
  return "doc_" + newDocumentDigits();
}

bool isDocumentId(std::string_view text) {
  constexpr std::string_view kPrefix = "doc_";
  if (text.size() != 28 || !text.starts_with(kPrefix)) return false;
  return text.find_first_not_of("0123456789abcdef", kPrefix.size()) == text.npos;
}

Status checkFilename(std::string_view filename, const DocumentLimits& limits) {
  if (trimmed(filename).empty())
    return invalid("filename_required", "filename is required", "give the document a name");
  if (filename.size() > limits.filename_bytes_max)
    return invalid("invalid_filename",
                   "filename '" + shortened(filename, 40) + "' has " +
                       std::to_string(filename.size()) + " bytes",
                   "use at most " + std::to_string(limits.filename_bytes_max));
  if (!isValidUtf8(filename))
    return invalid("invalid_filename", "filename '" + toValidUtf8(filename) + "' is not UTF-8",
                   "write it in UTF-8");
  if (hasControls(filename))
    return invalid("invalid_filename", "filename has control characters",
                   "use a name that can be shown in one line");
  if (filename == "." || filename == ".." || filename.find_first_of("/\\") != filename.npos)
    return invalid("invalid_filename", "filename '" + std::string(filename) + "' is a path",
                   "use the last part of it");
  return ok();
}

Result<std::vector<std::string>> checkedTags(std::vector<std::string> tags,
                                             const DocumentLimits& limits) {
  for (std::string& tag : tags) {
    tag = std::string(trimmed(tag));
    if (tag.empty()) return invalid("invalid_tag", "a tag is empty", "leave it out");
    if (!isValidUtf8(tag) || hasControls(tag) || tag.find(',') != tag.npos)
      return invalid("invalid_tag",
                     "tag '" + toValidUtf8(shortened(tag, 40)) +
                         "' has a comma, control characters or is not UTF-8",
                     "give each tag by itself, in one line of UTF-8");
    if (tag.size() > limits.tag_bytes_max)
      return invalid(
          "invalid_tag",
          "tag '" + shortened(tag, 40) + "' has " + std::to_string(tag.size()) + " bytes",
          "use at most " + std::to_string(limits.tag_bytes_max));
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  if (tags.size() > limits.tags_max)
    return invalid("tags_max", std::to_string(tags.size()) + " tags are too many",
                   "use at most " + std::to_string(limits.tags_max));
  return tags;
}

Status checkMetadata(const std::map<std::string, std::string>& metadata,
                     const DocumentLimits& limits) {
  if (metadata.size() > limits.metadata_entries_max)
    return invalid("metadata_entries_max",
                   "metadata has " + std::to_string(metadata.size()) + " entries",
                   "use at most " + std::to_string(limits.metadata_entries_max));
  std::size_t bytes = 0;
  for (const auto& [key, value] : metadata) {
    bytes += key.size() + value.size();
    if (key.empty())
      return invalid("invalid_metadata", "metadata has an empty key", "name each entry");
    if (!isValidUtf8(key) || !isValidUtf8(value) || hasControls(key))
      return invalid("invalid_metadata",
                     "metadata '" + toValidUtf8(shortened(key, 40)) +
                         "' is not UTF-8 or its key has control characters",
                     "use a key that can be shown in one line, and UTF-8 for both");
  }
  if (bytes > limits.metadata_bytes_max)
    return invalid("metadata_bytes_max", "metadata has " + std::to_string(bytes) + " bytes",
                   "use at most " + std::to_string(limits.metadata_bytes_max) +
                       " and put the rest into the document");
  return ok();
}

Result<std::map<std::string, std::string>> metadataFrom(const Json* value) {
  std::map<std::string, std::string> metadata;
  if (value == nullptr || value->is_null()) return metadata;
  if (!value->is_object())
    return invalid("invalid_metadata", "metadata must be an object",
                   "give names and texts, as in {\"topic\": \"security\"}");
  for (const auto& [key, entry] : value->items()) {
    if (!entry.is_string())
      return invalid(
          "invalid_metadata",
          "metadata '" + shortened(key, 40) + "' is not a string but " + entry.type_name(),
          "write it as a string");
    metadata[key] = entry.get<std::string>();
  }
  return metadata;
}

std::vector<std::string> splitTags(std::string_view comma_list) {
  std::vector<std::string> tags;
  while (!comma_list.empty()) {
    const auto comma = std::min(comma_list.find(','), comma_list.size());
    const std::string_view tag = trimmed(comma_list.substr(0, comma));
    if (!tag.empty()) tags.emplace_back(tag);
    comma_list.remove_prefix(std::min(comma + 1, comma_list.size()));
  }
  return tags;
}

Status checkContentType(std::string_view content_type) {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  const auto slash = type.find('/');
  constexpr std::string_view kSpecial = " \t()<>@,;:\\\"[]?=";
  const bool whole = slash != type.npos && slash > 0 && slash + 1 < type.size() &&
                     type.find('/', slash + 1) == type.npos &&
                     type.find_first_of(kSpecial) == type.npos;
  if (whole && content_type.size() <= 255 && isValidUtf8(content_type) &&
      !hasControls(content_type))
    return ok();
  return invalid("invalid_content_type",
                 "content type '" + toValidUtf8(shortened(content_type, 60)) + "' is none",
                 "write it as type/subtype, like text/markdown");
}

}  // namespace tutti::documents
