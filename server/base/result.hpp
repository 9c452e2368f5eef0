// Errors as values. Services, the store and the tools return Result<T>; exceptions are for bugs and a
// broken environment. One table (mcp/error_map) turns a Code into what the wire says.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tutti {

/// What kind of failure this is. Callers branch on the code; people read the message.
enum class Code {
  InvalidArgument,     ///< the input is wrong and will stay wrong
  NotFound,            ///< the thing named does not exist
  Conflict,            ///< the thing's present state forbids it
  ResourceExhausted,   ///< a limit with a name was reached
  FailedPrecondition,  ///< the environment lacks something (an agent that is not installed)
  Unavailable,         ///< try again later
  DeadlineExceeded,    ///< a time limit ran out
  Cancelled,           ///< the caller withdrew
  Internal,            ///< a bug or a broken environment
};

/// The code's stable spelling in JSON and logs, as in "not_found".
std::string_view codeName(Code code);

/// A failure as a value. `message` says what happened and names the thing it happened to; `hint`
/// says what the caller can do next and may be empty. Neither ends with a full stop.
class Error {
 public:
  Error(Code code, std::string message, std::string hint = {})
      : code_(code), message_(std::move(message)), hint_(std::move(hint)) {}

  /// Gives this error its own stable name, as in "unknown_blueprint"; without one it is codeName().
  Error&& named(std::string name) && {
    name_ = std::move(name);
    return std::move(*this);
  }
  /// Attaches machine-readable particulars: one JSON text, as in a list of validation errors.
  Error&& withDetails(std::string json_text) && {
    details_ = std::move(json_text);
    return std::move(*this);
  }

  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  /// JSON text, or empty.
  const std::string& details() const { return details_; }
  std::string_view name() const { return name_.empty() ? codeName(code_) : name_; }
  /// Message and hint in one line for people: "session 'x' not found (create it with …)".
  std::string text() const;

 private:
  Code code_;
  std::string message_;
  std::string hint_;
  std::string name_;
  std::string details_;
};

struct Unit {};

/// Either a T or the Error that prevented it. Never both, never neither.
/// value() on an error and error() on a value are bugs and terminate.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

using Status = Result<Unit>;

/// The success of an operation that returns nothing.
inline Status ok() { return Unit{}; }

}  // namespace tutti
