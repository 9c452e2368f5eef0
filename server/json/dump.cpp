// Texts out of trees. nlohmann's own serializer takes a stream, a locale and several allocations
// for each value; this one appends, and leaves to it what is rare: floating point and ill-formed
// text.
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/base/plain_text.hpp"
#include "server/base/text.hpp"
#include "server/json/json.hpp"

namespace tutti::json {
namespace {

void appendByLibrary(std::string& to, const Json& value) {
  to += value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class Integer>
void appendInteger(std::string& to, Integer value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  to.append(digits.data(), end);
}

/// A byte that stands for itself nowhere: a quote, a backslash or a control character.
void appendEscape(std::string& to, char byte) {
  constexpr std::string_view kBytes = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  constexpr std::string_view kDigits = "0123456789abcdef";
  to += '\\';
  if (const auto at = kBytes.find(byte); at != kBytes.npos) {
    to += kLetters[at];
    return;
  }
  const auto code = static_cast<unsigned char>(byte);
  to.append("u00").push_back(kDigits[code >> 4]);
  to += kDigits[code & 15];
}

void appendString(std::string& to, const std::string& text) {
  std::size_t at = plainPrefix(text);
  bool checked = false;
  const std::size_t start = to.size();
  to += '"';
  to.append(text, 0, at);
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) >= 0x80) {
      if (!checked && !isValidUtf8(text)) {
        to.resize(start);
        return appendByLibrary(to, Json(text));
      }
      checked = true;
      to += text[at++];
    } else if (const std::size_t size = plainPrefix(std::string_view(text).substr(at)); size > 0) {
      to.append(text, at, size);
      at += size;
    } else {
      appendEscape(to, text[at++]);
    }
  }
  to += '"';
}

void append(std::string& to, const Json& value);

void appendObject(std::string& to, const Json::object_t& members) {
  char separator = '{';
  for (const auto& [name, member] : members) {
    to += std::exchange(separator, ',');
    appendString(to, name);
    to += ':';
    append(to, member);
  }
  to += members.empty() ? "{}" : "}";
}

void appendArray(std::string& to, const Json::array_t& items) {
  to += '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) to += ',';
    append(to, items[i]);
  }
  to += ']';
}

void append(std::string& to, const Json& value) {
  switch (value.type()) {
    case Json::value_t::object:
      return appendObject(to, *value.get_ptr<const Json::object_t*>());
    case Json::value_t::array:
      return appendArray(to, *value.get_ptr<const Json::array_t*>());
    case Json::value_t::string:
      return appendString(to, *value.get_ptr<const Json::string_t*>());
    case Json::value_t::number_integer:
      return appendInteger(to, *value.get_ptr<const Json::number_integer_t*>());
    case Json::value_t::number_unsigned:
      return appendInteger(to, *value.get_ptr<const Json::number_unsigned_t*>());
    case Json::value_t::boolean:
      to += *value.get_ptr<const Json::boolean_t*>() ? "true" : "false";
      return;
    case Json::value_t::null:
      to += "null";
      return;
    default:
      return appendByLibrary(to, value);
  }
}

}  // namespace

std::string dump(const Json& value) {
  std::string text;
  append(text, value);
  return text;
}

std::string dumpPretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tutti::json
