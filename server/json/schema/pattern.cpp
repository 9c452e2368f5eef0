#include "server/json/schema/pattern.hpp"

#include <re2/re2.h>

#include <utility>

namespace tutti::json::schema {

struct Pattern::Engine {
  explicit Engine(const std::string& text, const RE2::Options& options) : re(text, options) {}
  RE2 re;
};

Pattern::Pattern(std::string source, std::unique_ptr<Engine> engine)
    : source_(std::move(source)), engine_(std::move(engine)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern> Pattern::compile(std::string_view ecma) {
  Translation translation = translatePattern(ecma);
  if (!translation.error.empty()) return Error(Code::InvalidArgument, std::move(translation.error));
  if (!translation.unsupported.empty())
    return Error(Code::InvalidArgument, "RE2 cannot run it: " + translation.unsupported);
  RE2::Options options;
  options.set_log_errors(false);
  auto engine = std::make_unique<Engine>(translation.re2, options);
  if (engine->re.ok()) return Pattern(std::string(ecma), std::move(engine));
  switch (engine->re.error_code()) {
    case RE2::ErrorPatternTooLarge:
      return Error(Code::InvalidArgument, "RE2 cannot run it: it is too large");
    case RE2::ErrorRepeatSize:
    case RE2::ErrorRepeatArgument:
      return Error(Code::InvalidArgument, "RE2 cannot run it: it repeats too often");
    case RE2::ErrorBadCharRange:
      return Error(Code::InvalidArgument, "it names an unknown class or a range out of order");
    default:
      return Error(Code::InvalidArgument, "it is not a regular expression");
  }
}

bool Pattern::matches(std::string_view text) const {
  const re2::StringPiece piece(text.data(), text.size());
  return engine_->re.Match(piece, 0, piece.size(), RE2::UNANCHORED, nullptr, 0);
}

}  // namespace tutti::json::schema
