// What FastAPI says about input that does not fit: {"detail": [{"type", "loc", "msg", "input"}…]}
// with status 422. Clients show these texts, so they are kept word for word.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"
#include "server/rest/target.hpp"

namespace tutti::rest {

/// Collects what is wrong with one request.
class ValidationErrors {
 public:
  /// `input` and `context` are JSON texts; no context when empty.
  void add(std::string_view type, const std::vector<std::string>& location,
           std::string_view message, std::string_view input, std::string_view context = {});
  bool empty() const { return errors_.empty(); }
  /// The body of the 422.
  std::string body() const;

 private:
  std::string errors_;  ///< comma-separated objects
};

struct IntegerBounds {
  std::optional<std::int64_t> at_least;
  std::optional<std::int64_t> at_most;
};

/// The typed members of a query. What does not fit is added to `errors` and read as absent.
class QueryReader {
 public:
  QueryReader(const Target& target, ValidationErrors& errors) : target_(target), errors_(errors) {}

  std::optional<std::string> text(std::string_view name) const;
  std::string requiredText(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, IntegerBounds bounds = {});
  std::int64_t integerOr(std::string_view name, std::int64_t otherwise, IntegerBounds bounds = {});
  bool booleanOr(std::string_view name, bool otherwise);

 private:
  const Target& target_;
  ValidationErrors& errors_;
};

/// A JSON body that must be an object; nothing, and what is wrong in `errors`, when it is not.
/// `content_type` as the request has it: what is not JSON by its type is read as text, which does
/// not fit.
std::optional<Json> readObjectBody(std::string_view content_type, std::string_view body,
                                   ValidationErrors& errors);

/// The typed members of a body, as QueryReader.
class BodyReader {
 public:
  BodyReader(const Json& object, ValidationErrors& errors) : object_(object), errors_(errors) {}

  std::string requiredText(std::string_view name);
  std::optional<std::string> text(std::string_view name);
  /// Must be there, but may be null.
  std::optional<std::string> requiredTextOrNull(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, IntegerBounds bounds = {});

 private:
  const Json& object_;
  ValidationErrors& errors_;
};

/// {"detail": "…"}
std::string detailBody(std::string_view detail);

}  // namespace tutti::rest
