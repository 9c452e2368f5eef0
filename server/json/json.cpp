#include "server/json/json.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/json/tree_builder.hpp"

namespace tutti::json {
namespace {

/// Walks the text and notes how far the lexer has read. Only a text that was refused pays for it.
class CountingIterator {
 public:
  using difference_type = std::ptrdiff_t;
  using value_type = char;
  using pointer = const char*;
  using reference = const char&;
  using iterator_category = std::input_iterator_tag;

  CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    *furthest_ = at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

/// The handler knows what it refused but not where, so the text is read a second time to find out.
std::size_t offsetOfRefusal(std::string_view text, std::size_t depth_max) {
  const char* furthest = text.data();
  Json scratch;
  TreeBuilder builder(scratch, depth_max);
  Json::sax_parse(CountingIterator(text.data(), &furthest),
                  CountingIterator(text.data() + text.size(), &furthest), &builder);
  const auto read = static_cast<std::size_t>(furthest - text.data());
  return read == 0 ? 0 : read - 1;
}

Error invalid(std::size_t offset, std::string_view what) {
  std::string message = "not valid JSON at byte " + std::to_string(offset) + ": ";
  message.append(what);
  return Error(Code::InvalidArgument, std::move(message)).named("invalid_json");
}

std::string unexpected(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return text.empty() ? "the text is empty" : "the text ends too early";
  const auto byte = static_cast<unsigned char>(text[offset]);
  if (byte >= 0x21 && byte < 0x7F) return std::string("unexpected '") + text[offset] + "'";
  constexpr char kDigits[] = "0123456789ABCDEF";
  return std::string("unexpected byte 0x") + kDigits[byte >> 4] + kDigits[byte & 15];
}

Error refusal(std::string_view text, const TreeBuilder& builder, const ParseLimits& limits) {
  switch (builder.refusal()) {
    case Refusal::TooDeep:
      return Error(Code::ResourceExhausted,
                   "JSON nested deeper than " + std::to_string(limits.depth_max) + " levels",
                   "flatten it")
          .named("json_too_deep");
    case Refusal::DuplicateKey:
      return invalid(offsetOfRefusal(text, limits.depth_max),
                     "key '" + builder.duplicate() + "' appears twice in one object");
    case Refusal::NumberRange:
      return invalid(builder.offset(), "a number does not fit a double");
    case Refusal::Utf8:
      return invalid(builder.offset(), "ill-formed UTF-8");
    case Refusal::Surrogate:
      return invalid(builder.offset(), "a lone surrogate");
    case Refusal::Control:
      return invalid(builder.offset(), "a control character in a string");
    case Refusal::Escape:
      return invalid(builder.offset(), "an unknown escape in a string");
    case Refusal::Syntax:
      break;
  }
  return invalid(builder.offset(), unexpected(text, builder.offset()));
}

}  // namespace

Result<Json> parse(std::string_view text, ParseLimits limits) {
  if (text.size() > limits.bytes_max)
    return Error(Code::ResourceExhausted, "JSON text of " + std::to_string(text.size()) +
                                              " bytes is above the limit of " +
                                              std::to_string(limits.bytes_max))
        .named("json_too_large");
  Json value;
  TreeBuilder builder(value, limits.depth_max);
  if (!Json::sax_parse(text.data(), text.data() + text.size(), &builder))
    return refusal(text, builder, limits);
  // The lexer takes a NUL for the end of the text and would drop what follows it.
  const std::size_t nul = text.find('\0');
  if (nul != text.npos) return invalid(nul, unexpected(text, nul));
  return value;
}

void discard(Json value) {
  if (auto* members = value.get_ptr<Json::object_t*>()) members->clear();
}

}  // namespace tutti::json
