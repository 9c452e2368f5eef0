// HTML as a browser would show it, near enough to be searched. Written here because the libraries
// that parse HTML give a tree without the places its text came from.
#include <algorithm>
#include <array>

#include "server/search/extract_parts.hpp"

namespace tutti::search {
namespace {
bool isHtmlSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool sameName(std::string_view text, std::string_view name) {
  return text.size() == name.size() && std::equal(text.begin(), text.end(), name.begin(),
                                                  [](char a, char b) { return lower(a) == b; });
}

/// What stands between these is not shown.
constexpr auto kHidden =
    std::to_array<std::string_view>({"script", "style", "template", "noscript"});
/// These run on within a line; every other tag ends it.
constexpr auto kInline = std::to_array<std::string_view>(
    {"a",    "abbr",   "b",   "bdi", "bdo",   "cite", "code", "del", "dfn",  "em",
     "font", "i",      "ins", "kbd", "label", "mark", "q",    "s",   "samp", "small",
     "span", "strong", "sub", "sup", "time",  "tt",   "u",    "var", "wbr"});

template <class Names>
bool isOneOf(std::string_view name, const Names& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return sameName(name, known); });
}

struct Tag {
  std::string_view name;
  bool closing = false;
  std::size_t size = 0;  ///< 0: the "<" is a character like any other
};

/// The tag at the begin of `text`; quoted attribute values may hold ">".
Tag tagAt(std::string_view text) {
  Tag tag;
  std::size_t at = 1;
  if (at < text.size() && text[at] == '/') {
    tag.closing = true;
    ++at;
  }
  if (at >= text.size() || !isLetter(text[at])) return {};
  const std::size_t name_at = at;
  while (at < text.size() && !isHtmlSpace(text[at]) && text[at] != '>' && text[at] != '/') ++at;
  tag.name = text.substr(name_at, at - name_at);
  while (at < text.size() && text[at] != '>') {
    const char quote = text[at];
    const bool quoted = (quote == '"' || quote == '\'') && text[at - 1] == '=';
    const std::size_t end = quoted ? text.find(quote, at + 1) : std::string_view::npos;
    at = end == std::string_view::npos ? at + 1 : end + 1;
  }
  tag.size = std::min(at + 1, text.size());
  return tag;
}

class HtmlReader {
 public:
  HtmlReader(std::string_view source, std::size_t headings_max)
      : source_(source), headings_max_(headings_max) {
    extracted_.kind = Kind::Html;
  }

  Extracted read() {
    while (at_ < source_.size()) {
      const std::string_view rest = source_.substr(at_);
      if (rest.front() == '<')
        takeMarkup(rest);
      else if (rest.front() == '&')
        takeEntity(rest);
      else if (isHtmlSpace(rest.front()))
        takeSpace(rest);
      else
        show(rest.substr(0, rest.find_first_of("<& \t\n\r\f")));
    }
    return std::move(extracted_);
  }

 private:
  const std::string& text() const { return extracted_.content.text(); }

  /// Moves on over `bytes` that are not shown.
  void skip(std::size_t bytes) {
    bytes = std::min(bytes, source_.size() - at_);
    char_at_ += characterCount(source_.substr(at_, bytes));
    at_ += bytes;
  }

  void show(std::string_view piece) {
    const std::size_t chars = characterCount(piece);
    extracted_.content.append(piece, char_at_, chars);
    char_at_ += chars;
    at_ += piece.size();
  }

  void takeSpace(std::string_view rest) {
    const std::size_t size = std::min(rest.find_first_not_of(" \t\n\r\f"), rest.size());
    if (!text().empty() && text().back() != '\n' && text().back() != ' ')
      extracted_.content.append(" ", char_at_, size);
    skip(size);
  }

  void takeEntity(std::string_view rest) {
    const Entity entity = entityAt(rest);
    if (entity.size == 0) return show(rest.substr(0, 1));
    extracted_.content.append(entity.text, char_at_, entity.size);
    skip(entity.size);
  }

  void takeMarkup(std::string_view rest) {
    if (rest.starts_with("<!--")) return skip(endOf(rest, "-->"));
    if (rest.starts_with("<!") || rest.starts_with("<?")) return skip(endOf(rest, ">"));
    const Tag tag = tagAt(rest);
    if (tag.size == 0) return show(rest.substr(0, 1));
    skip(tag.size);
    if (!tag.closing && isOneOf(tag.name, kHidden)) return skipElement(tag.name);
    if (isOneOf(tag.name, kInline)) return;
    endHeading();
    if (!text().empty() && text().back() != '\n') extracted_.content.append("\n", char_at_, 0);
    const bool heading = tag.name.size() == 2 && lower(tag.name[0]) == 'h' && tag.name[1] >= '1' &&
                         tag.name[1] <= '6';
    if (!tag.closing && (heading || sameName(tag.name, "title"))) {
      in_heading_ = true;
      heading_at_ = text().size();
    }
  }

  void endHeading() {
    if (!in_heading_) return;
    in_heading_ = false;
    std::string title = text().substr(heading_at_);
    while (!title.empty() && isHtmlSpace(title.back())) title.pop_back();
    if (!title.empty() && extracted_.headings.size() < headings_max_)
      extracted_.headings.push_back({heading_at_, std::move(title)});
  }

  void skipElement(std::string_view name) {
    const std::string_view rest = source_.substr(at_);
    for (std::size_t at = rest.find("</"); at != std::string_view::npos;
         at = rest.find("</", at + 2)) {
      if (!sameName(rest.substr(at + 2, name.size()), lowered(name))) continue;
      const Tag tag = tagAt(rest.substr(at));
      return skip(at + std::max<std::size_t>(tag.size, 2));
    }
    skip(rest.size());
  }

  static std::string lowered(std::string_view name) {
    std::string text(name);
    std::transform(text.begin(), text.end(), text.begin(), lower);
    return text;
  }

  static std::size_t endOf(std::string_view rest, std::string_view mark) {
    const std::size_t at = rest.find(mark);
    return at == std::string_view::npos ? rest.size() : at + mark.size();
  }

  const std::string_view source_;
  const std::size_t headings_max_;
  Extracted extracted_;
  std::size_t at_ = 0;       // bytes
  std::size_t char_at_ = 0;  // characters before at_
  bool in_heading_ = false;
  std::size_t heading_at_ = 0;
};

struct NamedEntity {
  std::string_view name;
  std::string_view text;
};

/// Those that texts use; others stay as they are written.
constexpr auto kEntities = std::to_array<NamedEntity>({
    {"amp", "&"},    {"lt", "<"},     {"gt", ">"},     {"quot", "\""},  {"apos", "'"},
    {"nbsp", " "},   {"copy", "©"},   {"reg", "®"},    {"trade", "™"},  {"hellip", "…"},
    {"mdash", "—"},  {"ndash", "–"},  {"lsquo", "‘"},  {"rsquo", "’"},  {"ldquo", "“"},
    {"rdquo", "”"},  {"laquo", "«"},  {"raquo", "»"},  {"bull", "•"},   {"middot", "·"},
    {"deg", "°"},    {"plusmn", "±"}, {"times", "×"},  {"divide", "÷"}, {"euro", "€"},
    {"pound", "£"},  {"yen", "¥"},    {"cent", "¢"},   {"sect", "§"},   {"para", "¶"},
    {"auml", "ä"},   {"ouml", "ö"},   {"uuml", "ü"},   {"Auml", "Ä"},   {"Ouml", "Ö"},
    {"Uuml", "Ü"},   {"szlig", "ß"},  {"eacute", "é"}, {"egrave", "è"}, {"ecirc", "ê"},
    {"Eacute", "É"}, {"agrave", "à"}, {"aacute", "á"}, {"acirc", "â"},  {"aring", "å"},
    {"aelig", "æ"},  {"ccedil", "ç"}, {"ntilde", "ñ"}, {"iacute", "í"}, {"oacute", "ó"},
    {"uacute", "ú"}, {"oslash", "ø"}, {"ocirc", "ô"},  {"ucirc", "û"},  {"icirc", "î"},
    {"larr", "←"},   {"rarr", "→"},   {"uarr", "↑"},   {"darr", "↓"},   {"infin", "∞"},
    {"le", "≤"},     {"ge", "≥"},     {"ne", "≠"},     {"asymp", "≈"},  {"alpha", "α"},
    {"beta", "β"},   {"gamma", "γ"},  {"delta", "δ"},  {"lambda", "λ"}, {"mu", "μ"},
    {"pi", "π"},     {"sigma", "σ"},  {"omega", "ω"},  {"shy", ""},     {"zwj", ""},
    {"zwnj", ""},    {"ensp", " "},   {"emsp", " "},   {"thinsp", " "},
});

Entity numberedEntity(std::string_view digits, std::size_t size) {
  const bool hex = !digits.empty() && (digits.front() == 'x' || digits.front() == 'X');
  if (hex) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > 7) return {};
  char32_t value = 0;
  for (const char c : digits) {
    const char digit = lower(c);
    if (digit >= '0' && digit <= '9')
      value = value * (hex ? 16 : 10) + static_cast<char32_t>(digit - '0');
    else if (hex && digit >= 'a' && digit <= 'f')
      value = value * 16 + static_cast<char32_t>(digit - 'a' + 10);
    else
      return {};
  }
  const bool character = value > 0 && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
  Entity entity{"", size};
  appendUtf8(entity.text, character ? value : 0xfffdU);
  return entity;
}
}  // namespace

Extracted extractHtml(std::string_view source, std::size_t headings_max) {
  return HtmlReader(source, headings_max).read();
}

Entity entityAt(std::string_view text) {
  constexpr std::size_t kSizeMax = 16;
  const std::size_t end = text.substr(0, kSizeMax).find(';');
  if (end == std::string_view::npos || end < 2) return {};
  const std::string_view name = text.substr(1, end - 1);
  if (name.front() == '#') return numberedEntity(name.substr(1), end + 1);
  for (const NamedEntity& known : kEntities)
    if (known.name == name) return {std::string(known.text), end + 1};
  return {};
}

}  // namespace tutti::search
