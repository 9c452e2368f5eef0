#include "server/json/schema/print.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "server/base/text.hpp"

namespace tutti::json::schema {
namespace {
enum class Style { Json, Python };

/// Writes one value and stops soon after the limit, at any depth.
class Writer {
 public:
  explicit Writer(Style style, std::size_t size_max = kShownMax)
      : style_(style), size_max_(size_max) {}

  void write(const Json& value) {
    if (full()) return;
    switch (value.type()) {
      case Json::value_t::object:
        return writeObject(*value.get_ptr<const Json::object_t*>());
      case Json::value_t::array:
        return writeArray(*value.get_ptr<const Json::array_t*>());
      case Json::value_t::string:
        return writeText(*value.get_ptr<const Json::string_t*>());
      case Json::value_t::boolean:
        return append(value.get<bool>() ? word("true", "True") : word("false", "False"));
      case Json::value_t::number_float:
        return writeDouble(*value.get_ptr<const Json::number_float_t*>());
      case Json::value_t::number_integer:
      case Json::value_t::number_unsigned:
        return append(value.dump());
      default:
        return append(word("null", "None"));
    }
  }

  void writeArray(const Json::array_t& items, std::size_t first = 0) {
    out_ += '[';
    for (std::size_t i = first; i < items.size() && !full(); ++i) {
      if (i > first) append(word(",", ", "));
      write(items[i]);
    }
    out_ += ']';
  }

  void writeText(std::string_view text) {
    const std::string part(text.substr(0, size_max_ + 8));
    if (style_ == Style::Json) return appendJsonString(out_, wholeCharacters(part, text.size()));
    writePython(toValidUtf8(wholeCharacters(part, text.size())));
  }

  void append(std::string_view text) { out_.append(text); }
  bool full() const { return out_.size() > size_max_; }
  std::string take() { return shortened(out_, size_max_); }

 private:
  std::string_view word(std::string_view json, std::string_view python) const {
    return style_ == Style::Json ? json : python;
  }

  /// A part cut from a longer text may end inside a character.
  static std::string wholeCharacters(const std::string& part, std::size_t size_whole) {
    return part.size() == size_whole ? part : shortened(part, part.size() - 4);
  }

  void writePython(std::string_view text) {
    const bool double_quoted = text.find('\'') != text.npos && text.find('"') == text.npos;
    const char quote = double_quoted ? '"' : '\'';
    out_ += quote;
    for (const char c : text) {
      if (c == quote || c == '\\') {
        (out_ += '\\') += c;
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (c == '\t') {
        out_ += "\\t";
      } else if (c == '\r') {
        out_ += "\\r";
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
        char code[8];
        std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned>(c));
        out_ += code;
      } else {
        out_ += c;
      }
    }
    out_ += quote;
  }

  void writeDouble(double value) {
    if (style_ == Style::Json || !std::isfinite(value)) return append(Json(value).dump());
    char text[40];
    const double size = std::fabs(value);
    const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
    const auto end = std::to_chars(text, text + sizeof text, value,
                                   plain ? std::chars_format::fixed : std::chars_format::scientific)
                         .ptr;
    out_.append(text, end);
    const std::string_view written(text, static_cast<std::size_t>(end - text));
    if (plain && written.find('.') == written.npos) out_ += ".0";
  }

  void writeObject(const Json::object_t& members) {
    out_ += '{';
    bool first = true;
    for (const auto& [name, member] : members) {
      if (full()) break;
      if (!first) append(word(",", ", "));
      first = false;
      writeText(name);
      append(word(":", ": "));
      write(member);
    }
    out_ += '}';
  }

  const Style style_;
  const std::size_t size_max_;
  std::string out_;
};
}  // namespace

std::string shownJson(const Json& value) {
  Writer writer(Style::Json);
  writer.write(value);
  return writer.take();
}

std::string shown(const Json& value, std::size_t size_max) {
  Writer writer(Style::Python, size_max);
  writer.write(value);
  return writer.take();
}

std::string shownFrom(const Json& array, std::size_t first) {
  Writer writer(Style::Python);
  writer.writeArray(*array.get_ptr<const Json::array_t*>(), first);
  return writer.take();
}

std::string shownText(std::string_view text) {
  Writer writer(Style::Python);
  writer.writeText(text);
  return writer.take();
}

std::string shownList(const std::vector<std::string>& texts) {
  Writer writer(Style::Python);
  for (std::size_t i = 0; i < texts.size() && !writer.full(); ++i) {
    if (i > 0) writer.append(", ");
    writer.writeText(texts[i]);
  }
  return writer.take();
}

}  // namespace tutti::json::schema
