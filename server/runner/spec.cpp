#include <nlohmann/json.hpp>

#include "server/runner/spec.hpp"

namespace tutti::runner {
namespace {

/// Copies members of a JSON object into a spec, keeping the first error.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {
    if (!object.is_object()) keep(Error(Code::InvalidArgument, "the spec is not a JSON object"));
  }

  void text(const char* key, std::string& to) { take(json::readString(object_, key), to); }
  void integer(const char* key, std::int64_t& to) { take(json::readInteger(object_, key), to); }
  void integer(const char* key, std::optional<std::int64_t>& to) {
    take(json::readInteger(object_, key), to);
  }
  void number(const char* key, std::optional<double>& to) {
    take(json::readNumber(object_, key), to);
  }
  void texts(const char* key, std::vector<std::string>& to) {
    take(json::readStrings(object_, key), to);
  }
  void any(const char* key, Json& to) {
    if (const Json* found = object_.is_object() ? json::find(object_, key) : nullptr) to = *found;
  }
  void map(const char* key, std::map<std::string, std::string>& to) {
    Json members;
    any(key, members);
    if (members.is_null()) return;
    if (!members.is_object()) {
      keep(Error(Code::InvalidArgument, std::string("'") + key + "' is not an object"));
      return;
    }
    for (const auto& [name, value] : members.items()) {
      if (value.is_string())
        to[name] = value.get<std::string>();
      else
        keep(Error(Code::InvalidArgument,
                   std::string("'") + key + "/" + name + "' is not a string"));
    }
  }
  void required(const char* key, const std::string& value) {
    if (value.empty()) keep(Error(Code::InvalidArgument, std::string("'") + key + "' is missing"));
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  template <class Value, class Target>
  void take(Result<std::optional<Value>> read, Target& to) {
    if (!read.ok())
      keep(read.error());
    else if (read.value())
      to = *std::move(read).value();
  }
  void keep(Error error) {
    if (!error_) error_ = std::move(error);
  }

  const Json& object_;
  std::optional<Error> error_;
};

/// Members that read the same in both directions, listed once each way below.
Json optionalNumber(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json optionalNumber(const std::optional<std::int64_t>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

Json toJson(const RunSpec& spec) {
  Json out = Json::object();
  out["run_id"] = spec.run_id;
  out["session_id"] = spec.session_id;
  out["generation"] = spec.generation;
  out["parameters"] = spec.parameters;
  out["prompt"] = spec.prompt;
  out["timeout_ms"] = spec.timeout_ms;
  return out;
}

Json toJson(const HostSpec& spec) {
  Json out = Json::object();
  out["session_id"] = spec.session_id;
  out["generation"] = spec.generation;
  out["driver"] = spec.driver;
  out["command"] = spec.command;
  out["project_dir"] = spec.project_dir;
  out["environment"] = Json::object();
  for (const auto& [name, value] : spec.environment) out["environment"][name] = value;
  out["output_schema"] = spec.output_schema;
  out["system_prompt"] = spec.system_prompt;
  out["system_prompt_mode"] = spec.system_prompt_mode;
  out["mcp_servers"] = spec.mcp_servers;
  out["model"] = spec.model;
  out["permission_mode"] = spec.permission_mode;
  out["allowed_tools"] = spec.allowed_tools;
  out["disallowed_tools"] = spec.disallowed_tools;
  out["tools"] = spec.tools;
  out["add_dirs"] = spec.add_dirs;
  out["setting_sources"] = spec.setting_sources;
  out["max_budget_usd"] = optionalNumber(spec.max_budget_usd);
  out["max_turns"] = optionalNumber(spec.max_turns);
  out["executor_session_id"] = spec.executor_session_id;
  out["new_executor_session_id"] = spec.new_executor_session_id;
  out["permission_timeout_ms"] = spec.permission_timeout_ms;
  out["idle_max_ms"] = spec.idle_max_ms;
  out["first_turn_max_ms"] = spec.first_turn_max_ms;
  out["stop_grace_ms"] = spec.stop_grace_ms;
  out["line_bytes_max"] = spec.line_bytes_max;
  out["output_bytes_max"] = spec.output_bytes_max;
  out["spool_bytes_max"] = spec.spool_bytes_max;
  out["events_max"] = spec.events_max;
  return out;
}

Result<RunSpec> runSpecFromJson(const Json& json) {
  RunSpec spec;
  Reader read(json);
  read.text("run_id", spec.run_id);
  read.text("session_id", spec.session_id);
  read.integer("generation", spec.generation);
  read.any("parameters", spec.parameters);
  read.text("prompt", spec.prompt);
  read.integer("timeout_ms", spec.timeout_ms);
  read.required("run_id", spec.run_id);
  if (read.error()) return *read.error();
  return spec;
}

Result<HostSpec> hostSpecFromJson(const Json& json) {
  HostSpec spec;
  Reader read(json);
  read.text("session_id", spec.session_id);
  read.integer("generation", spec.generation);
  read.text("driver", spec.driver);
  read.texts("command", spec.command);
  read.text("project_dir", spec.project_dir);
  read.map("environment", spec.environment);
  read.any("output_schema", spec.output_schema);
  read.text("system_prompt", spec.system_prompt);
  read.text("system_prompt_mode", spec.system_prompt_mode);
  read.any("mcp_servers", spec.mcp_servers);
  read.text("model", spec.model);
  read.text("permission_mode", spec.permission_mode);
  read.texts("allowed_tools", spec.allowed_tools);
  read.texts("disallowed_tools", spec.disallowed_tools);
  read.texts("tools", spec.tools);
  read.texts("add_dirs", spec.add_dirs);
  read.text("setting_sources", spec.setting_sources);
  read.number("max_budget_usd", spec.max_budget_usd);
  read.integer("max_turns", spec.max_turns);
  read.text("executor_session_id", spec.executor_session_id);
  read.text("new_executor_session_id", spec.new_executor_session_id);
  read.integer("permission_timeout_ms", spec.permission_timeout_ms);
  read.integer("idle_max_ms", spec.idle_max_ms);
  read.integer("first_turn_max_ms", spec.first_turn_max_ms);
  read.integer("stop_grace_ms", spec.stop_grace_ms);
  read.integer("line_bytes_max", spec.line_bytes_max);
  read.integer("output_bytes_max", spec.output_bytes_max);
  read.integer("spool_bytes_max", spec.spool_bytes_max);
  read.integer("events_max", spec.events_max);
  read.required("session_id", spec.session_id);
  read.required("driver", spec.driver);
  read.required("command", spec.command.empty() ? std::string() : spec.command.front());
  if (read.error()) return *read.error();
  return spec;
}

std::filesystem::path Layout::sessionHosts(const std::string& session_id) const {
  return root_ / "hosts" / session_id;
}
std::filesystem::path Layout::host(const std::string& session_id, std::int64_t generation) const {
  return sessionHosts(session_id) / std::to_string(generation);
}
std::filesystem::path Layout::run(const std::string& run_id) const {
  return root_ / "runs" / run_id;
}
std::filesystem::path Layout::replicas() const {
  return root_ / "replicas";
}

}  // namespace tutti::runner
