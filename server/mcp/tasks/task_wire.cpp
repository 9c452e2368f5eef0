#include "server/mcp/tasks/task_wire.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "server/base/ids.hpp"
#include "server/base/text.hpp"
#include "server/json/json.hpp"

namespace tutti::mcp {
namespace {

constexpr std::array<std::string_view, 5> kStatusNames = {"working", "input_required", "completed",
                                                          "failed", "cancelled"};
constexpr std::string_view kRelatedTask = "io.modelcontextprotocol/related-task";

void appendString(std::string& to, std::string_view key, std::string_view text) {
  to.append(",\"").append(key).append("\":");
  appendJsonString(to, text);
}

/// The names of two members differ between the forms.
struct Names {
  std::string_view ttl;
  std::string_view poll;
};
constexpr Names kModernNames{"ttlMs", "pollIntervalMs"};
constexpr Names kLegacyNames{"ttl", "pollInterval"};

std::string members(const Task& task, const Names& names) {
  std::string text = "\"taskId\":";
  appendJsonString(text, task.id);
  appendString(text, "status", kStatusNames[static_cast<std::size_t>(task.status)]);
  if (!task.status_message.empty()) appendString(text, "statusMessage", task.status_message);
  appendString(text, "createdAt", isoTimestamp(task.created));
  appendString(text, "lastUpdatedAt", isoTimestamp(task.updated));
  text.append(",\"").append(names.ttl).append("\":").append(std::to_string(task.ttl_ms));
  text.append(",\"").append(names.poll).append("\":").append(std::to_string(task.poll_ms));
  return text;
}

void appendInputs(std::string& to, const Task& task) {
  to += ",\"inputRequests\":{";
  for (const auto& [key, request] : task.inputs) {
    if (to.back() != '{') to += ',';
    appendJsonString(to, key);
    to.append(":").append(request);
  }
  to += '}';
}

}  // namespace

std::string randomTaskId() {
  return randomHex(16);
}

std::string createdTask(const Task& task, Revision revision, const ResultTail& tail) {
  if (!isModern(revision)) return "{\"task\":{" + members(task, kLegacyNames) + "}}";
  return "{\"resultType\":\"task\"," + members(task, kModernNames) + ",\"_meta\":{" +
         tail.server_info + "}}";
}

std::string shownTask(const Task& task, Revision revision, const ResultTail& tail) {
  if (!isModern(revision)) return "{" + legacyTask(task) + "}";
  std::string text = "{" + members(task, kModernNames);
  if (task.status == TaskStatus::InputRequired) appendInputs(text, task);
  if (task.status == TaskStatus::Completed) text.append(",\"result\":").append(task.result);
  if (task.status == TaskStatus::Failed) text.append(",\"error\":").append(task.error);
  text.append(tail.modern).push_back('}');
  return text;
}

std::string legacyTask(const Task& task) {
  return members(task, kLegacyNames);
}

std::string relatedTask(std::string_view id) {
  std::string text;
  appendJsonString(text, kRelatedTask);
  text += ":{\"taskId\":";
  appendJsonString(text, id);
  text += '}';
  return text;
}

std::string withRelatedTask(std::string_view object, std::string_view id) {
  auto value = json::parse(object);
  if (!value.ok() || !value->is_object()) return std::string(object);
  Json& meta = (*value)["_meta"];
  if (!meta.is_object()) meta = Json::object();
  meta[std::string(kRelatedTask)] = Json{{"taskId", std::string(id)}};
  return json::dump(*value);
}

}  // namespace tutti::mcp
