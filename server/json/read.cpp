// The strict readers: one rule for each type, shared by the reader that fails and the one that
// falls back.
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/json/json.hpp"

namespace tutti::json {
namespace {

std::string described(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return "the number " + dump(value);
    default:
      return "something else";
  }
}

Error wrongType(std::string_view key, std::string_view wanted, const Json& found) {
  std::string message = "'";
  message.append(key).append("' must be ").append(wanted).append(", not ").append(described(found));
  return Error(Code::InvalidArgument, std::move(message));
}

std::optional<std::int64_t> asInteger(const Json& value) {
  constexpr double kPastEnd = 9223372036854775808.0;  // 2^63, the first that does not fit
  if (const auto* number = value.get_ptr<const Json::number_unsigned_t*>()) {
    if (*number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(*number);
  }
  if (const auto* number = value.get_ptr<const Json::number_integer_t*>()) return *number;
  if (const auto* number = value.get_ptr<const Json::number_float_t*>()) {
    if (*number >= -kPastEnd && *number < kPastEnd && std::trunc(*number) == *number)
      return static_cast<std::int64_t>(*number);
  }
  return std::nullopt;
}

std::optional<std::string> asString(const Json& value) {
  const auto* text = value.get_ptr<const Json::string_t*>();
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::optional<double> asNumber(const Json& value) {
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::optional<bool> asBoolean(const Json& value) {
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

std::optional<std::vector<std::string>> asStrings(const Json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const Json& item : value) {
    const auto* text = item.get_ptr<const Json::string_t*>();
    if (text == nullptr) return std::nullopt;
    texts.push_back(*text);
  }
  return texts;
}

template <class T>
using Converter = std::optional<T> (*)(const Json&);

template <class T>
Result<std::optional<T>> read(const Json& object, std::string_view key, std::string_view wanted,
                              Converter<T> convert) {
  if (!object.is_object())
    return Error(Code::InvalidArgument, "expected an object, not " + described(object));
  const Json* value = find(object, key);
  if (value == nullptr) return std::optional<T>();
  std::optional<T> converted = convert(*value);
  if (!converted) return wrongType(key, wanted, *value);
  return converted;
}

template <class T>
T readOr(const Json& object, std::string_view key, T otherwise, Converter<T> convert) {
  const Json* value = find(object, key);
  if (value == nullptr) return otherwise;
  std::optional<T> converted = convert(*value);
  return converted ? *std::move(converted) : otherwise;
}

}  // namespace

const Json* find(const Json& object, std::string_view key) {
  const auto* members = object.get_ptr<const Json::object_t*>();
  if (members == nullptr) return nullptr;
  const auto place = members->find(key);
  return place == members->end() || place->second.is_null() ? nullptr : &place->second;
}

Result<std::optional<std::string>> readString(const Json& object, std::string_view key) {
  return read<std::string>(object, key, "a string", asString);
}

Result<std::optional<std::int64_t>> readInteger(const Json& object, std::string_view key) {
  return read<std::int64_t>(object, key, "an integer", asInteger);
}

Result<std::optional<double>> readNumber(const Json& object, std::string_view key) {
  return read<double>(object, key, "a number", asNumber);
}

Result<std::optional<bool>> readBoolean(const Json& object, std::string_view key) {
  return read<bool>(object, key, "a boolean", asBoolean);
}

Result<std::optional<std::vector<std::string>>> readStrings(const Json& object,
                                                            std::string_view key) {
  return read<std::vector<std::string>>(object, key, "an array of strings", asStrings);
}

std::string stringOr(const Json& object, std::string_view key, std::string otherwise) {
  return readOr<std::string>(object, key, std::move(otherwise), asString);
}

std::int64_t integerOr(const Json& object, std::string_view key, std::int64_t otherwise) {
  return readOr<std::int64_t>(object, key, otherwise, asInteger);
}

double numberOr(const Json& object, std::string_view key, double otherwise) {
  return readOr<double>(object, key, otherwise, asNumber);
}

bool booleanOr(const Json& object, std::string_view key, bool otherwise) {
  return readOr<bool>(object, key, otherwise, asBoolean);
}

}  // namespace tutti::json
