#include "server/rest/validation.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "server/base/text.hpp"
#include "server/rest/header_fields.hpp"

namespace tutti::rest {
namespace {

std::string jsonText(std::string_view text) {
  std::string json;
  appendJsonString(json, text);
  return json;
}

/// Python's int(): spaces around it, a sign, underscores between digits, and a fraction of nothing
/// but zeros, as pydantic takes them.
std::optional<std::int64_t> parseInteger(std::string_view text) {
  text = trimmedField(text);
  const std::size_t point = text.find('.');
  if (point != std::string_view::npos) {
    if (text.find_first_not_of('0', point + 1) != std::string_view::npos) return std::nullopt;
    text = text.substr(0, point);
  }
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc::result_out_of_range)
    return text.front() == '-' ? INT64_MIN : INT64_MAX;
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::optional<bool> parseBoolean(std::string_view text) {
  const std::string word = lowerAscii(text);
  for (const char* yes : {"true", "1", "on", "t", "y", "yes"})
    if (word == yes) return true;
  for (const char* no : {"false", "0", "off", "f", "n", "no"})
    if (word == no) return false;
  return std::nullopt;
}

/// Adds an error for a number out of its bounds; true when it is inside.
bool checkBounds(std::int64_t number, const IntegerBounds& bounds,
                 const std::vector<std::string>& location, std::string_view input,
                 ValidationErrors& errors) {
  if (bounds.at_least && number < *bounds.at_least) {
    const std::string bound = std::to_string(*bounds.at_least);
    errors.add("greater_than_equal", location, "Input should be greater than or equal to " + bound,
               input, R"({"ge":)" + bound + "}");
    return false;
  }
  if (bounds.at_most && number > *bounds.at_most) {
    const std::string bound = std::to_string(*bounds.at_most);
    errors.add("less_than_equal", location, "Input should be less than or equal to " + bound, input,
               R"({"le":)" + bound + "}");
    return false;
  }
  return true;
}

bool isJsonType(std::string_view content_type) {
  if (content_type.empty()) return true;
  const auto field = parseParameterized(content_type);
  if (!field) return false;
  const std::string_view type = field->value;
  constexpr std::string_view kSuffix = "+json";
  return type == "application/json" ||
         (type.starts_with("application/") && type.ends_with(kSuffix));
}

/// The number behind "at byte " in what the parser says; "0" without one.
std::string positionIn(std::string_view message) {
  constexpr std::string_view kMark = "at byte ";
  const std::size_t found = message.find(kMark);
  if (found == std::string_view::npos) return "0";
  const std::string_view rest = message.substr(found + kMark.size());
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789")));
}

}  // namespace

void ValidationErrors::add(std::string_view type, const std::vector<std::string>& location,
                           std::string_view message, std::string_view input,
                           std::string_view context) {
  if (!errors_.empty()) errors_ += ',';
  errors_ += R"({"type":)" + jsonText(type) + R"(,"loc":[)";
  for (std::size_t at = 0; at < location.size(); ++at) {
    // A position is a number there; no member of ours has a name of digits.
    const bool position = location[at].find_first_not_of("0123456789") == std::string::npos;
    if (at > 0) errors_ += ',';
    errors_ += position ? location[at] : jsonText(location[at]);
  }
  errors_ += R"(],"msg":)" + jsonText(message) + R"(,"input":)" + std::string(input);
  if (!context.empty()) errors_ += R"(,"ctx":)" + std::string(context);
  errors_ += '}';
}

std::string ValidationErrors::body() const {
  return R"({"detail":[)" + errors_ + "]}";
}

std::optional<std::string> QueryReader::text(std::string_view name) const {
  const std::string* value = target_.queryValue(name);
  if (value == nullptr) return std::nullopt;
  return *value;
}

std::string QueryReader::requiredText(std::string_view name) {
  if (auto value = text(name)) return std::move(*value);
  errors_.add("missing", {"query", std::string(name)}, "Field required", "null");
  return {};
}

std::optional<std::int64_t> QueryReader::integer(std::string_view name, IntegerBounds bounds) {
  const std::string* value = target_.queryValue(name);
  if (value == nullptr) return std::nullopt;
  const std::vector<std::string> location = {"query", std::string(name)};
  const auto number = parseInteger(*value);
  if (!number) {
    errors_.add("int_parsing", location,
                "Input should be a valid integer, unable to parse string as an integer",
                jsonText(*value));
    return std::nullopt;
  }
  if (!checkBounds(*number, bounds, location, jsonText(*value), errors_)) return std::nullopt;
  return number;
}

std::int64_t QueryReader::integerOr(std::string_view name, std::int64_t otherwise,
                                    IntegerBounds bounds) {
  return integer(name, bounds).value_or(otherwise);
}

bool QueryReader::booleanOr(std::string_view name, bool otherwise) {
  const std::string* value = target_.queryValue(name);
  if (value == nullptr) return otherwise;
  if (const auto read = parseBoolean(*value)) return *read;
  errors_.add("bool_parsing", {"query", std::string(name)},
              "Input should be a valid boolean, unable to interpret input", jsonText(*value));
  return otherwise;
}

std::optional<Json> readObjectBody(std::string_view content_type, std::string_view body,
                                   ValidationErrors& errors) {
  constexpr std::string_view kNotAnObject =
      "Input should be a valid dictionary or object to extract fields from";
  if (body.empty()) {
    errors.add("missing", {"body"}, "Field required", "null");
    return std::nullopt;
  }
  if (!isJsonType(content_type)) {
    errors.add("model_attributes_type", {"body"}, kNotAnObject, jsonText(body));
    return std::nullopt;
  }
  auto parsed = json::parse(body);
  if (!parsed.ok()) {
    errors.add("json_invalid", {"body", positionIn(parsed.error().message())}, "JSON decode error",
               "{}", R"({"error":)" + jsonText(parsed.error().message()) + "}");
    return std::nullopt;
  }
  if (!parsed->is_object()) {
    if (parsed->is_null())
      errors.add("missing", {"body"}, "Field required", "null");
    else
      errors.add("model_attributes_type", {"body"}, kNotAnObject, json::dump(*parsed));
    return std::nullopt;
  }
  return std::move(*parsed);
}

std::string BodyReader::requiredText(std::string_view name) {
  const auto member = object_.find(std::string(name));
  if (member == object_.end()) {
    errors_.add("missing", {"body", std::string(name)}, "Field required", json::dump(object_));
    return {};
  }
  if (member->is_string()) return member->get<std::string>();
  errors_.add("string_type", {"body", std::string(name)}, "Input should be a valid string",
              json::dump(*member));
  return {};
}

std::optional<std::string> BodyReader::text(std::string_view name) {
  const auto member = object_.find(std::string(name));
  if (member == object_.end() || member->is_null()) return std::nullopt;
  return requiredText(name);
}

std::optional<std::string> BodyReader::requiredTextOrNull(std::string_view name) {
  const auto member = object_.find(std::string(name));
  if (member != object_.end() && member->is_null()) return std::nullopt;
  return requiredText(name);
}

std::optional<std::int64_t> BodyReader::integer(std::string_view name, IntegerBounds bounds) {
  const auto member = object_.find(std::string(name));
  if (member == object_.end() || member->is_null()) return std::nullopt;
  const std::vector<std::string> location = {"body", std::string(name)};
  const std::string input = json::dump(*member);
  if (!member->is_number_integer()) {
    errors_.add("int_type", location, "Input should be a valid integer", input);
    return std::nullopt;
  }
  const auto number = member->get<std::int64_t>();
  if (!checkBounds(number, bounds, location, input, errors_)) return std::nullopt;
  return number;
}

std::string detailBody(std::string_view detail) {
  return R"({"detail":)" + jsonText(detail) + "}";
}

}  // namespace tutti::rest
