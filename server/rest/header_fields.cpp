#include "server/rest/header_fields.hpp"

#include "server/base/text.hpp"
#include "server/rest/target.hpp"

namespace tutti::rest {
namespace {

bool isSpace(char c) {
  return c == ' ' || c == '\t';
}

void skipSpaces(std::string_view text, std::size_t& at) {
  while (at < text.size() && isSpace(text[at])) ++at;
}

/// The value at `at`, quoted or not; nothing when a quote does not close.
std::optional<std::string> takeValue(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '"') {
    const std::size_t end = std::min(text.find(';', at), text.size());
    const std::string_view value = trimmedField(text.substr(at, end - at));
    at = end;
    return std::string(value);
  }
  std::string value;
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') {
      ++at;
      return value;
    }
    // Browsers put a Windows path's backslashes there as they are; only these two are ever escaped.
    const bool escape =
        text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
    if (escape) ++at;
    value += text[at];
  }
  return std::nullopt;
}

bool plainInQuotes(unsigned char c) {
  return c >= 0x20 && c < 0x7f;
}

}  // namespace

std::string_view trimmedField(std::string_view text) {
  while (!text.empty() && isSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && isSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::string lowerAscii(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return lowered;
}

const std::string* ParameterizedField::parameter(std::string_view name) const {
  for (const auto& [known, text] : parameters)
    if (known == name) return &text;
  return nullptr;
}

std::optional<ParameterizedField> parseParameterized(std::string_view field) {
  ParameterizedField parsed;
  std::size_t at = std::min(field.find(';'), field.size());
  parsed.value = lowerAscii(trimmedField(field.substr(0, at)));
  while (at < field.size()) {
    if (field[at] != ';') return std::nullopt;
    ++at;
    skipSpaces(field, at);
    if (at == field.size()) break;
    const std::size_t name_end = std::min(field.find_first_of("=;", at), field.size());
    if (name_end == field.size() || field[name_end] != '=') return std::nullopt;
    std::string name = lowerAscii(trimmedField(field.substr(at, name_end - at)));
    if (name.empty()) return std::nullopt;
    at = name_end + 1;
    skipSpaces(field, at);
    auto value = takeValue(field, at);
    if (!value) return std::nullopt;
    parsed.parameters.emplace_back(std::move(name), std::move(*value));
    skipSpaces(field, at);
  }
  return parsed;
}

std::optional<std::string> decodeExtendedValue(std::string_view value) {
  const std::size_t charset_end = value.find('\'');
  if (charset_end == std::string_view::npos) return std::nullopt;
  const std::size_t language_end = value.find('\'', charset_end + 1);
  if (language_end == std::string_view::npos) return std::nullopt;
  if (lowerAscii(value.substr(0, charset_end)) != "utf-8") return std::nullopt;
  std::string text = percentDecoded(value.substr(language_end + 1));
  if (!isValidUtf8(text)) return std::nullopt;
  return text;
}

std::string contentDisposition(std::string_view kind, std::string_view filename) {
  std::string fallback;
  bool ascii = true;
  for (const char c : filename) {
    if (!plainInQuotes(static_cast<unsigned char>(c))) {
      ascii = false;
      // One mark a character: the bytes that continue one are left out.
      if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) fallback += '_';
      continue;
    }
    if (c == '"' || c == '\\') fallback += '\\';
    fallback += c;
  }
  std::string field(kind);
  // The extended form first: some clients take all that follows "filename=" for the name.
  if (!ascii) field += "; filename*=UTF-8''" + percentEncoded(toValidUtf8(filename));
  return field + "; filename=\"" + fallback + "\"";
}

std::vector<std::string_view> listItems(std::string_view field) {
  std::vector<std::string_view> items;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t at = 0; at <= field.size(); ++at) {
    if (at < field.size() && field[at] == '"') quoted = !quoted;
    if (at < field.size() && (field[at] != ',' || quoted)) continue;
    const std::string_view item = trimmedField(field.substr(begin, at - begin));
    if (!item.empty()) items.push_back(item);
    begin = at + 1;
  }
  return items;
}

}  // namespace tutti::rest
