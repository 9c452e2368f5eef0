// How what is absent is shown in JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "server/json/json.hpp"

namespace tutti::json {

/// The text, or null for an empty one.
inline Json orNull(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
/// The text, or null for none.
inline Json orNull(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json();
}

}  // namespace tutti::json
