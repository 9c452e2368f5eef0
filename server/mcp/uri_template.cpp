#include "server/mcp/uri_template.hpp"

#include <algorithm>

#include "server/base/text.hpp"

namespace tutti::mcp {
namespace {

constexpr std::size_t kTemplateBytesMax = 2048;

bool isName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alnum || c == '_' || c == '.' || c == '-';
  });
}

Error badTemplate(std::string_view text, std::string_view what) {
  std::string message = "URI template '";
  message.append(shortened(text, 200)).append("': ").append(what);
  return Error(Code::InvalidArgument, std::move(message),
               "use {name}, {+name} and, at the end, {?a,b}; put text between two variables")
      .named("invalid_template");
}

}  // namespace

bool UriTemplate::addName(std::string_view name) {
  const std::string text(name);
  const bool known = std::find(variables_.begin(), variables_.end(), text) != variables_.end();
  if (!isName(name) || known) return false;
  variables_.push_back(text);
  return true;
}

bool UriTemplate::addExpression(std::string_view expression) {
  if (expression.empty() || !query_.empty()) return false;
  if (expression.front() == '?') {
    std::string_view rest = expression.substr(1);
    while (true) {
      const auto comma = rest.find(',');
      if (!addName(rest.substr(0, comma))) return false;
      query_.emplace_back(rest.substr(0, comma));
      if (comma == rest.npos) return true;
      rest.remove_prefix(comma + 1);
    }
  }
  const bool reserved = expression.front() == '+';
  if (reserved) expression.remove_prefix(1);
  const bool adjacent = parts_.size() > 1 && parts_.back().literal.empty();
  if (adjacent || !addName(expression)) return false;
  parts_.push_back(Part{std::string(expression), reserved, {}});
  return true;
}

Result<UriTemplate> UriTemplate::compile(std::string_view text) {
  if (text.empty() || text.size() > kTemplateBytesMax)
    return badTemplate(text, "it has 1 to 2048 bytes");
  UriTemplate made;
  std::string_view rest = text;
  while (!rest.empty()) {
    if (rest.front() != '{') {
      const auto brace = std::min(rest.find('{'), rest.size());
      if (!made.query_.empty()) return badTemplate(text, "the query stands at the end");
      made.parts_.back().literal += rest.substr(0, brace);
      rest.remove_prefix(brace);
      continue;
    }
    const auto end = rest.find('}');
    if (end == rest.npos) return badTemplate(text, "a brace is not closed");
    const std::string_view expression = rest.substr(1, end - 1);
    if (!made.addExpression(expression))
      return badTemplate(text, "'{" + std::string(expression) + "}' cannot be matched here");
    rest.remove_prefix(end + 1);
  }
  return made;
}

bool UriTemplate::matchPath(std::string_view path, Variables& found) const {
  const std::string& start = parts_.front().literal;
  if (path.substr(0, start.size()) != start) return false;
  path.remove_prefix(start.size());
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    const bool last = i + 1 == parts_.size();
    auto end = path.npos;
    if (last && path.size() >= part.literal.size())
      end = path.size() - part.literal.size();
    else if (!last)
      end = path.find(part.literal, 1);
    if (end == path.npos || end == 0) return false;
    const std::string_view value = path.substr(0, end);
    path.remove_prefix(end);
    if (path.substr(0, part.literal.size()) != part.literal) return false;
    path.remove_prefix(part.literal.size());
    if (!part.reserved && value.find_first_of("/?#") != value.npos) return false;
    found[part.name] = percentDecoded(value);
  }
  return path.empty();
}

bool UriTemplate::matchQuery(std::string_view query, Variables& found) const {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = pair.find('=');
    if (equals == pair.npos) return false;
    const std::string name(pair.substr(0, equals));
    const bool ours = std::find(query_.begin(), query_.end(), name) != query_.end();
    if (!ours || found.contains(name)) return false;
    found[name] = percentDecoded(pair.substr(equals + 1));
  }
  return true;
}

std::optional<std::map<std::string, std::string>> UriTemplate::match(std::string_view uri) const {
  Variables found;
  std::string_view path = uri;
  std::string_view query;
  const auto mark = query_.empty() ? uri.npos : uri.find('?');
  if (mark != uri.npos) {
    path = uri.substr(0, mark);
    query = uri.substr(mark + 1);
  }
  if (!matchPath(path, found) || !matchQuery(query, found)) return std::nullopt;
  return found;
}

}  // namespace tutti::mcp
