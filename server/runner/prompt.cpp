#include "server/runner/prompt.hpp"

#include <nlohmann/json.hpp>

namespace tutti::runner {
namespace {

std::string indented(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t end = text.find('\n');
    out.append("\n  ").append(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::string valueText(const Json& value) {
  if (!value.is_string()) return " " + json::dump(value);
  const std::string text = value.get<std::string>();
  return text.find('\n') == std::string::npos ? " " + text : indented(text);
}

}  // namespace

std::string formatPrompt(const Json& parameters) {
  if (!parameters.is_object()) return "<inputs>\n</inputs>";
  const auto prompt = parameters.find("prompt");
  if (parameters.size() == 1 && prompt != parameters.end() && prompt->is_string())
    return prompt->get<std::string>();
  std::string out = "<inputs>\n";
  for (const auto& [key, value] : parameters.items()) out += key + ":" + valueText(value) + "\n";
  return out + "</inputs>";
}

}  // namespace tutti::runner
