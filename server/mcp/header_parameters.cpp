#include "server/mcp/header_parameters.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "server/base/text.hpp"

namespace tutti::mcp {
namespace {

constexpr std::string_view kMark = "x-mcp-header";
constexpr std::size_t kHeaderBytesMax = 128;
constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

Error badMark(std::string_view what) {
  return Error(Code::InvalidArgument, std::string(kMark) + ": " + std::string(what));
}

/// RFC 9110's token.
bool isToken(std::string_view text) {
  return !text.empty() && text.size() <= kHeaderBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           const bool alnum =
               (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
           return alnum || kTokenMarks.find(c) != kTokenMarks.npos;
         });
}

std::string lowered(std::string_view text) {
  std::string low(text);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return low;
}

std::optional<HeaderParameter::Type> typeOf(const Json& property) {
  const std::string type = json::stringOr(property, "type", "");
  if (type == "string") return HeaderParameter::Type::String;
  if (type == "integer") return HeaderParameter::Type::Integer;
  if (type == "boolean") return HeaderParameter::Type::Boolean;
  return std::nullopt;
}

/// Collects marks under `properties` and notices those anywhere else.
class Search {
 public:
  Status properties(const Json& schema) {
    if (!schema.is_object()) return ok();
    for (const auto& [key, value] : schema.items()) {
      Status status = ok();
      if (key == "properties" && value.is_object())
        status = each(value);
      else if (key != kMark)
        status = nowhere(value);
      if (!status.ok()) return status;
    }
    return ok();
  }
  std::vector<HeaderParameter> take() { return std::move(found_); }

 private:
  Status each(const Json& members) {
    for (const auto& [name, property] : members.items()) {
      path_.push_back(name);
      if (property.is_object() && property.contains(kMark)) {
        if (Status status = mark(property); !status.ok()) return status;
      }
      if (Status status = properties(property); !status.ok()) return status;
      path_.pop_back();
    }
    return ok();
  }
  Status mark(const Json& property) {
    const Json& name = property.at(std::string(kMark));
    if (!name.is_string() || !isToken(name.get_ref<const std::string&>()))
      return badMark("its value must be a header name: 1 to 128 characters of RFC 9110's token");
    const auto type = typeOf(property);
    if (!type) return badMark("only a string, an integer or a boolean can be a header");
    std::string header =
        std::string(kHeaderParameterPrefix) + lowered(name.get_ref<const std::string&>());
    if (!names_.insert(header).second)
      return badMark("'" + name.get<std::string>() + "' is given twice");
    found_.push_back({path_, std::move(header), *type});
    return ok();
  }
  static Status nowhere(const Json& value) {
    if (value.is_object() && value.contains(kMark))
      return badMark("it can stand on properties only, reached through properties alone");
    if (value.is_structured())
      for (const Json& member : value)
        if (Status status = nowhere(member); !status.ok()) return status;
    return ok();
  }

  std::vector<std::string> path_;
  std::set<std::string> names_;
  std::vector<HeaderParameter> found_;
};

int base64Digit(char c) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = kDigits.find(c);
  return at == kDigits.npos ? -1 : static_cast<int>(at);
}

/// RFC 4648 with its padding and no stray bits, or nothing.
std::optional<std::string> base64Decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const int padding = !last || text[i + 3] != '=' ? 0 : text[i + 2] == '=' ? 2 : 1;
    unsigned bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int digit = static_cast<int>(k) >= 4 - padding ? 0 : base64Digit(text[i + k]);
      if (digit < 0) return std::nullopt;
      bits = bits << 6 | static_cast<unsigned>(digit);
    }
    const std::array<unsigned, 3> bytes = {bits >> 16, bits >> 8 & 0xFF, bits & 0xFF};
    for (std::size_t k = 0; k < 3; ++k) {
      const bool kept = static_cast<int>(k) < 3 - padding;
      if (kept) out += static_cast<char>(bytes[k]);
      if (!kept && bytes[k] != 0) return std::nullopt;
    }
  }
  return isValidUtf8(out) ? std::optional(std::move(out)) : std::nullopt;
}

/// `42`, `-7`, `42.0`: digits, and a fraction of nothing but zeros.
std::optional<std::string> canonicalInteger(std::string_view text) {
  const auto dot = text.find('.');
  if (dot != text.npos) {
    const std::string_view fraction = text.substr(dot + 1);
    if (fraction.empty() || fraction.find_first_not_of('0') != fraction.npos) return std::nullopt;
    text = text.substr(0, dot);
  }
  const bool negative = !text.empty() && text.front() == '-';
  std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (digits == "0") return "0";
  return (negative ? "-" : "") + std::string(digits);
}

bool sameValue(const HeaderParameter& parameter, const Json& value, const std::string& header) {
  switch (parameter.type) {
    case HeaderParameter::Type::String:
      return value.is_string() && value.get_ref<const std::string&>() == header;
    case HeaderParameter::Type::Boolean:
      return value.is_boolean() && header == (value.get<bool>() ? "true" : "false");
    case HeaderParameter::Type::Integer: {
      const auto ours = canonicalInteger(json::dump(value));
      return ours && canonicalInteger(header) == ours;
    }
  }
  return false;
}

/// Is it of the type that the header stands for? Anything else is the schema's to refuse.
bool fitsType(const HeaderParameter& parameter, const Json& value) {
  switch (parameter.type) {
    case HeaderParameter::Type::String:
      return value.is_string();
    case HeaderParameter::Type::Integer:
      return value.is_number();
    case HeaderParameter::Type::Boolean:
      return value.is_boolean();
  }
  return false;
}

const Json* at(const Json& arguments, const std::vector<std::string>& path) {
  const Json* value = &arguments;
  for (const std::string& name : path) {
    if (!value->is_object()) return nullptr;
    value = json::find(*value, name);
    if (value == nullptr) return nullptr;
  }
  return value;
}

}  // namespace

std::optional<std::string> headerValue(std::string_view header) {
  constexpr std::string_view kStart = "=?base64?";
  constexpr std::string_view kEnd = "?=";
  const bool encoded = header.size() >= kStart.size() + kEnd.size() &&
                       header.substr(0, kStart.size()) == kStart &&
                       header.substr(header.size() - kEnd.size()) == kEnd;
  if (encoded) {
    header.remove_prefix(kStart.size());
    header.remove_suffix(kEnd.size());
    return base64Decoded(header);
  }
  const bool plain = std::all_of(header.begin(), header.end(),
                                 [](char c) { return c == '\t' || (c >= 0x20 && c <= 0x7E); });
  return plain ? std::optional(std::string(header)) : std::nullopt;
}

Result<std::vector<HeaderParameter>> headerParameters(const Json& schema) {
  if (schema.contains(kMark)) return badMark("the arguments as a whole cannot be a header");
  Search search;
  if (Status status = search.properties(schema); !status.ok()) return std::move(status).error();
  return search.take();
}

std::optional<std::string> headerMismatch(const std::vector<HeaderParameter>& parameters,
                                          const Json& arguments, const HeaderLookup& header) {
  for (const HeaderParameter& parameter : parameters) {
    const Json* value = at(arguments, parameter.path);
    if (value == nullptr || !fitsType(parameter, *value)) continue;
    const auto given = header(parameter.header);
    if (!given) return parameter.header + " is missing";
    const auto meant = headerValue(*given);
    if (!meant) return parameter.header + " is not well-formed";
    if (!sameValue(parameter, *value, *meant))
      return parameter.header + " is not the argument '" + parameter.path.back() + "'";
  }
  return std::nullopt;
}

}  // namespace tutti::mcp
