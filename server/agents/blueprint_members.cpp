#include "server/agents/blueprint_members.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/base/text.hpp"

namespace tutti::agents {
namespace {
constexpr std::size_t kNameMax = 60;
constexpr std::string_view kPermissionModes[] = {
    "default", "acceptEdits", "plan", "auto", "dontAsk", "manual", "bypassPermissions"};

bool isWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  const auto low = static_cast<unsigned char>(byte | 0x20U);
  return (byte >= '0' && byte <= '9') || (low >= 'a' && low <= 'z');
}

/// The value of a read, or what to go on with after remembering its error.
template <class T>
std::optional<T> kept(Members& members, Result<std::optional<T>> read) {
  if (read.ok()) return std::move(read).value();
  members.refuse(std::move(read).error());
  return std::nullopt;
}
}  // namespace

Error wrong(std::string message, std::string hint) {
  return Error(Code::InvalidArgument, std::move(message), std::move(hint));
}

Members::Members(const Json& object) : object_(object) {
  if (!object.is_object()) refuse("the file must hold one JSON object");
}

bool Members::has(std::string_view key) const {
  return json::find(object_, key) != nullptr;
}

std::string Members::text(std::string_view key) {
  return kept(*this, json::readString(object_, key)).value_or(std::string());
}

std::string Members::requiredText(std::string_view key) {
  std::string value = text(key);
  if (value.empty()) refuse("'" + std::string(key) + "' is missing or empty");
  return value;
}

std::string Members::word(std::string_view key, std::span<const std::string_view> words) {
  std::string value = text(key);
  if (value.empty() || std::find(words.begin(), words.end(), value) != words.end()) return value;
  const std::vector<std::string> known(words.begin(), words.end());
  refuse("'" + std::string(key) + "' is '" + shortened(value, 60) + "'",
         "use one of " + joined(known));
  return value;
}

std::vector<std::string> Members::texts(std::string_view key) {
  return kept(*this, json::readStrings(object_, key)).value_or(std::vector<std::string>());
}

std::optional<std::int64_t> Members::integer(std::string_view key, Range range) {
  const std::optional<std::int64_t> value = kept(*this, json::readInteger(object_, key));
  if (value && (*value < range.least || *value > range.most))
    refuse(
        "'" + std::string(key) + "' is " + std::to_string(*value),
        "give a number from " + std::to_string(range.least) + " to " + std::to_string(range.most));
  return value;
}

std::optional<double> Members::positiveNumber(std::string_view key) {
  const std::optional<double> value = kept(*this, json::readNumber(object_, key));
  if (value && !(*value > 0)) refuse("'" + std::string(key) + "' must be greater than 0");
  return value;
}

std::optional<bool> Members::boolean(std::string_view key) {
  return kept(*this, json::readBoolean(object_, key));
}

Json Members::object(std::string_view key) {
  const Json* value = json::find(object_, key);
  if (value == nullptr) return Json();
  if (!value->is_object()) refuse("'" + std::string(key) + "' must be an object");
  return *value;
}

void Members::refuse(Error error) {
  if (!error_) error_ = std::move(error);
}

void Members::refuse(std::string message, std::string hint) {
  refuse(Error(Code::InvalidArgument, std::move(message), std::move(hint)));
}

bool isBlueprintName(std::string_view name) {
  if (name.empty() || name.size() > kNameMax || !isWordByte(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return isWordByte(c) || c == '-' || c == '_'; });
}

Status checkBlueprintName(std::string_view what, std::string_view name) {
  if (isBlueprintName(name)) return ok();
  return Error(Code::InvalidArgument,
               std::string(what) + " '" + shortened(name, 80) + "' is no name",
               "use 1 to 60 letters, digits, '-' and '_', the first a letter or a digit");
}

std::span<const std::string_view> permissionModes() {
  return kPermissionModes;
}

}  // namespace tutti::agents
