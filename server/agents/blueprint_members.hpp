// Reading the members of one JSON object, the first thing that is wrong remembered.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::agents {

/// What a blueprint's files have wrong: InvalidArgument.
Error wrong(std::string message, std::string hint = {});

/// A reader for a file with many members: each call returns a value to go on with, and error()
/// tells afterwards what was wrong first. Every error is InvalidArgument and names the member, what
/// it must be and what was found. `object` must outlive the reader.
class Members {
 public:
  struct Range {
    std::int64_t least;
    std::int64_t most;
  };

  explicit Members(const Json& object);

  bool has(std::string_view key) const;
  std::string text(std::string_view key);
  /// Also refuses an absent or empty one.
  std::string requiredText(std::string_view key);
  /// "" when absent; refuses a word that is not in `words`, offering the nearest.
  std::string word(std::string_view key, std::span<const std::string_view> words);
  std::vector<std::string> texts(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, Range range);
  std::optional<double> positiveNumber(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  /// The object, or null when absent.
  Json object(std::string_view key);

  /// Keeps `error` if it is the first.
  void refuse(Error error);
  void refuse(std::string message, std::string hint = {});
  const std::optional<Error>& error() const { return error_; }

 private:
  const Json& object_;
  std::optional<Error> error_;
};

/// Is `name` one that an agent, a capability or a script may have: ^[a-zA-Z0-9][a-zA-Z0-9_-]*$, 1
/// to 60?
bool isBlueprintName(std::string_view name);

/// ok(), or InvalidArgument that says the rule. `what` as in "agent name".
Status checkBlueprintName(std::string_view what, std::string_view name);

/// The words Claude Code takes for --permission-mode.
std::span<const std::string_view> permissionModes();

}  // namespace tutti::agents
