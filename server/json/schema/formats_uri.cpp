// RFC 3986 (URI), RFC 3987 (IRI) and RFC 6570 (URI template), by their grammars.
#include <algorithm>

#include "server/base/text.hpp"
#include "server/json/schema/formats.hpp"
#include "server/json/schema/scanner.hpp"
#include "server/json/schema/uri.hpp"

namespace tutti::json::schema {
namespace {
enum class Kind { Uri, Iri };

constexpr std::string_view kUnreserved = "-._~";
constexpr std::string_view kSubDelimiters = "!$&'()*+,;=";

bool isUnreserved(char c) {
  return isAsciiLetter(c) || isAsciiDigit(c) || isOneOf(c, kUnreserved);
}

/// Every character is unreserved, a sub-delimiter, an escape or one of `more`.
bool isMadeOf(std::string_view text, std::string_view more, Kind kind) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || !isHexDigit(text[i + 1]) || !isHexDigit(text[i + 2]))
        return false;
      i += 2;
      continue;
    }
    const bool other = static_cast<unsigned char>(c) >= 0x80;
    if (other && kind == Kind::Iri) continue;
    if (!isUnreserved(c) && !isOneOf(c, kSubDelimiters) && !isOneOf(c, more)) return false;
  }
  return true;
}

bool isFutureAddress(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (text.size() < 4 || (text[0] | 0x20) != 'v' || dot == text.npos || dot < 2) return false;
  const std::string_view version = text.substr(1, dot - 1);
  const std::string_view address = text.substr(dot + 1);
  return std::all_of(version.begin(), version.end(), isHexDigit) && !address.empty() &&
         address.find('%') == address.npos && isMadeOf(address, ":", Kind::Uri);
}

bool isPort(std::string_view text) {
  return std::all_of(text.begin(), text.end(), isAsciiDigit);
}

bool isAuthority(std::string_view text, Kind kind) {
  const std::size_t at = text.find('@');
  if (at != text.npos) {
    if (!isMadeOf(text.substr(0, at), ":", kind)) return false;
    text.remove_prefix(at + 1);
  }
  if (!text.empty() && text[0] == '[') {
    const std::size_t end = text.find(']');
    if (end == text.npos) return false;
    const std::string_view address = text.substr(1, end - 1);
    const std::string_view port = text.substr(end + 1);
    if (!isIpv6(address) && !isFutureAddress(address)) return false;
    return port.empty() || (port[0] == ':' && isPort(port.substr(1)));
  }
  const std::size_t colon = text.find(':');
  if (colon != text.npos && !isPort(text.substr(colon + 1))) return false;
  return isMadeOf(text.substr(0, colon), "", kind);
}

bool isReference(std::string_view text, Kind kind) {
  if (kind == Kind::Iri && !isValidUtf8(text)) return false;
  const Uri uri = splitUri(text);
  if (uri.fragment && !isMadeOf(*uri.fragment, ":@/?", kind)) return false;
  if (uri.query && !isMadeOf(*uri.query, ":@/?", kind)) return false;
  if (!isMadeOf(uri.path, ":@/", kind)) return false;
  if (uri.authority) return isAuthority(*uri.authority, kind);
  // Without a scheme, a colon in the first segment would be read as one.
  return uri.scheme || uri.path.substr(0, uri.path.find('/')).find(':') == std::string::npos;
}

bool isAbsolute(std::string_view text, Kind kind) {
  return splitUri(text).scheme.has_value() && isReference(text, kind);
}

/// RFC 6570 varname: letters, digits, "_" and escapes, with single dots inside.
bool takeName(Scanner& in) {
  bool any = false;
  for (;;) {
    const char c = in.peek();
    if (isAsciiLetter(c) || isAsciiDigit(c) || c == '_') {
      in.take(c);
    } else if (c == '%') {
      in.take('%');
      for (int i = 0; i < 2; ++i)
        if (!isHexDigit(in.peek()) || !in.take(in.peek())) return false;
    } else if (c == '.' && any) {
      in.take('.');
      const char next = in.peek();
      if (!isAsciiLetter(next) && !isAsciiDigit(next) && next != '_' && next != '%') return false;
    } else {
      return any;
    }
    any = true;
  }
}

bool isExpression(std::string_view text) {
  if (!text.empty() && isOneOf(text[0], "+#./;?&=,!@|")) text.remove_prefix(1);
  Scanner in(text);
  do {
    if (!takeName(in)) return false;
    if (in.take('*') || !in.take(':')) continue;
    if (in.peek() == '0') return false;
    const std::size_t size = in.skipDigits();
    if (size < 1 || size > 4) return false;
  } while (in.take(','));
  return in.done();
}

bool isTemplateLiteral(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7F && !isOneOf(c, "\"<>\\^`{|}");
}
}  // namespace

bool isUri(std::string_view text) {
  return isAbsolute(text, Kind::Uri);
}
bool isUriReference(std::string_view text) {
  return isReference(text, Kind::Uri);
}
bool isIri(std::string_view text) {
  return isAbsolute(text, Kind::Iri);
}
bool isIriReference(std::string_view text) {
  return isReference(text, Kind::Iri);
}

bool isUriTemplate(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') {
      const std::size_t end = text.find('}', i);
      if (end == text.npos || !isExpression(text.substr(i + 1, end - i - 1))) return false;
      i = end;
    } else if (text[i] == '%') {
      if (i + 2 >= text.size() || !isHexDigit(text[i + 1]) || !isHexDigit(text[i + 2]))
        return false;
    } else if (!isTemplateLiteral(text[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace tutti::json::schema
