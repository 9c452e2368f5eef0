#include "server/rpc/fast_decode.hpp"

#include <algorithm>
#include <utility>

#include "server/base/plain_text.hpp"
#include "server/base/text.hpp"
#include "server/rpc/scan.hpp"

namespace tutti::rpc {
namespace {

constexpr std::size_t kLevelsMax = 16;  // of containers in a parameter; takes stack

/// Walks the text. A function that returns false has met something unusual.
class UsualReader {
 public:
  UsualReader(std::string_view text, const DecodeLimits& limits, MetaCache& cache, Message& message)
      : text_(text), limits_(limits), cache_(cache), message_(message) {}

  bool read() {
    if (text_.size() > limits_.bytes_max || limits_.depth_max < 3) return false;
    const bool whole = readObject(&UsualReader::readTopMember);
    skipSpace();
    message_.kind = message_.id.empty() ? Message::Kind::Notification : Message::Kind::Request;
    return whole && at_ == text_.size() && has_version_ && has_method_;
  }

 private:
  using ReadMember = bool (UsualReader::*)(std::string_view key);

  void skipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n'))
      ++at_;
  }
  /// The next byte that is no space, or NUL at the end.
  char peek() {
    skipSpace();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  /// A string of ASCII without escapes; `content` is between the quotes.
  bool plainString(std::string_view& content) {
    if (!take('"')) return false;
    const std::size_t size = plainPrefix(text_.substr(at_));
    content = text_.substr(at_, size);
    at_ += size;
    if (at_ == text_.size() || text_[at_] != '"') return false;
    ++at_;
    return true;
  }

  bool readObject(ReadMember read_member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string_view key;
      if (!plainString(key) || !take(':') || !(this->*read_member)(key)) return false;
    } while (take(','));
    return take('}');
  }

  bool readTopMember(std::string_view key) {
    if (key == "jsonrpc") return !std::exchange(has_version_, true) && readVersion();
    if (key == "method") return !std::exchange(has_method_, true) && readMethod();
    if (key == "id") return message_.id.empty() && readId();
    if (key != "params" || !message_.params.is_null()) return false;
    message_.params = Json::object();
    return readObject(&UsualReader::readParam);
  }
  bool readVersion() {
    std::string_view version;
    return plainString(version) && version == "2.0";
  }
  bool readMethod() {
    std::string_view method;
    if (!plainString(method)) return false;
    message_.method = method;
    return true;
  }
  bool readId() {
    std::string_view content;
    if (peek() == '"') {
      const std::size_t start = at_;
      if (!plainString(content)) return false;
      message_.id = text_.substr(start, at_ - start);
      return true;
    }
    const std::size_t start = at_;
    if (peek() == '-') ++at_;
    const std::size_t digits = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    const bool leading_zero = at_ - digits > 1 && text_[digits] == '0';
    // The long way bounds what a number may be; so do we, by leaving the big ones to it.
    if (at_ == digits || at_ - digits > 18 || leading_zero) return false;
    message_.id = text_.substr(start, at_ - start);
    return message_.id != "-0";
  }

  bool readParam(std::string_view key) {
    if (key == "_meta") return peek() == '{' && message_.meta == nullptr && readMeta();
    const auto [place, added] =
        message_.params.get_ref<Json::object_t&>().try_emplace(std::string(key));
    if (!added) return false;
    const char first = peek();
    const std::size_t start = at_;
    if (readValue(first, place->second, std::min(limits_.depth_max - 2, kLevelsMax))) return true;
    at_ = start;
    return readSpan(place->second);
  }

  /// A value without anything unusual in it but strings and numbers. `levels`: how many more
  /// containers it may open. After false, `at_` and `to` are in no particular state.
  bool readValue(char first, Json& to, std::size_t levels) {
    switch (first) {
      case '"':
        return readString(to);
      case '{':
        return levels > 0 && readMembers(to, levels - 1);
      case '[':
        return levels > 0 && readItems(to, levels - 1);
      case 't':
        return readWord("true", to, true);
      case 'f':
        return readWord("false", to, false);
      case 'n':
        return readWord("null", to, nullptr);
      default:
        return readInteger(to) || readSpan(to);
    }
  }
  bool readString(Json& to) {
    const std::size_t start = at_;
    std::string_view content;
    if (plainString(content)) {
      to = content;
      return true;
    }
    at_ = start;
    if (readText(to)) return true;
    at_ = start;
    return readSpan(to);
  }
  /// A string in any language and of any number of lines, but without \u escapes.
  bool readText(Json& to) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
    std::string content;
    bool ascii = true;
    for (++at_; at_ < text_.size(); ++at_) {
      const std::size_t size = plainPrefix(text_.substr(at_));
      content.append(text_, at_, size);
      at_ += size;
      if (at_ == text_.size() || text_[at_] == '"') break;
      char byte = text_[at_];
      if (byte == '\\') {
        const auto letter = ++at_ < text_.size() ? kLetters.find(text_[at_]) : kLetters.npos;
        if (letter == kLetters.npos) return false;
        byte = kBytes[letter];
      } else if (static_cast<unsigned char>(byte) < 0x80) {
        return false;
      } else {
        ascii = false;
      }
      content += byte;
    }
    if (at_ == text_.size() || (!ascii && !isValidUtf8(content))) return false;
    ++at_;
    to = std::move(content);
    return true;
  }
  bool readMembers(Json& to, std::size_t levels) {
    to = Json::object();
    auto& members = to.get_ref<Json::object_t&>();
    ++at_;
    if (take('}')) return true;
    do {
      std::string_view key;
      if (!plainString(key) || !take(':')) return false;
      const auto [place, added] = members.try_emplace(std::string(key));
      if (!added || !readValue(peek(), place->second, levels)) return false;
    } while (take(','));
    return take('}');
  }
  bool readItems(Json& to, std::size_t levels) {
    to = Json::array();
    auto& items = to.get_ref<Json::array_t&>();
    ++at_;
    if (take(']')) return true;
    do {
      if (!readValue(peek(), items.emplace_back(), levels)) return false;
    } while (take(','));
    return take(']');
  }
  template <class Value>
  bool readWord(std::string_view word, Json& to, Value value) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    to = value;
    return true;
  }
  /// Not negative, and nothing that could be read in more than one way.
  bool readInteger(Json& to) {
    std::size_t end = at_;
    std::uint64_t value = 0;
    for (; end < text_.size() && text_[end] >= '0' && text_[end] <= '9' && end - at_ < 18; ++end)
      value = value * 10 + static_cast<std::uint64_t>(text_[end] - '0');
    if (end == at_ || (end - at_ > 1 && text_[at_] == '0') || end == text_.size()) return false;
    const char next = text_[end];
    if (next != ',' && next != '}' && next != ']') return false;
    at_ = end;
    to = value;
    return true;
  }
  bool readMeta() {
    if (cache_.value && text_.substr(at_).starts_with(cache_.text)) {
      // It starts with a whole object, so the value ends where that object ends.
      at_ += cache_.text.size();
      message_.meta = cache_.value;
      return true;
    }
    const std::size_t start = at_;
    Json value;
    if (!readSpan(value)) return false;
    message_.meta = std::make_shared<const Json>(std::move(value));
    constexpr std::size_t kCachedBytesMax = 4096;
    if (at_ - start > kCachedBytesMax) return true;
    cache_.text = text_.substr(start, at_ - start);
    while (cache_.text.back() != '}') cache_.text.pop_back();  // the spaces behind it
    cache_.value = message_.meta;
    return true;
  }
  /// Any value, by the long way.
  bool readSpan(Json& to) {
    const std::size_t start = at_;
    at_ = valueEnd(text_, start);
    auto value =
        json::parse(text_.substr(start, at_ - start), {limits_.depth_max - 2, limits_.bytes_max});
    if (!value.ok()) return false;
    to = std::move(*value);
    return true;
  }

  const std::string_view text_;
  const DecodeLimits& limits_;
  MetaCache& cache_;
  Message& message_;
  std::size_t at_ = 0;
  bool has_version_ = false;
  bool has_method_ = false;
};

}  // namespace

bool decodeUsual(std::string_view text, const DecodeLimits& limits, MetaCache& cache,
                 Message& message) {
  if (UsualReader(text, limits, cache, message).read()) return true;
  message = Message();
  return false;
}

}  // namespace tutti::rpc
