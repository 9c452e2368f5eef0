#include "server/mcp/client/header_arguments.hpp"

#include <nlohmann/json.hpp>

namespace tutti::mcp::client {
namespace {

const Json* valueAt(const Json& arguments, const std::vector<std::string>& path) {
  const Json* value = &arguments;
  for (const std::string& step : path) {
    if (!value->is_object()) return nullptr;
    value = json::find(*value, step);
    if (value == nullptr) return nullptr;
  }
  return value;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> headerArguments(
    const std::vector<HeaderParameter>& parameters, const Json& arguments) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const HeaderParameter& parameter : parameters) {
    const Json* value = valueAt(arguments, parameter.path);
    if (value == nullptr) continue;
    const std::string name = parameter.header.substr(kHeaderParameterPrefix.size());
    if (value->is_string())
      headers.emplace_back(name, value->get<std::string>());
    else if (value->is_boolean() || value->is_number())
      headers.emplace_back(name, json::dump(*value));
  }
  return headers;
}

}  // namespace tutti::mcp::client
