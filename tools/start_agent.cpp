#include "tools/start_agent.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "server/agents/start_plan.hpp"
#include "server/base/clock.hpp"
#include "server/base/file.hpp"
#include "server/runner/drivers/process.hpp"
#include "tools/await_run.hpp"
#include "tools/handle.hpp"

namespace tutti::tools {
namespace fs = std::filesystem;
namespace {

const std::string& hostName() {
  static const std::string known = [] {
    char name[256] = {};
    return std::string(::gethostname(name, sizeof name - 1) == 0 ? name : "localhost");
  }();
  return known;
}

/// The folder, absolute and without symbolic links.
Result<std::string> checkedFolder(const std::string& given, const std::string& otherwise) {
  const fs::path path = given.empty() ? fs::path(otherwise) : fs::path(given);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return Error(Code::NotFound,
                 "project_dir '" + path.string() + "' cannot be used: " + errnoText(errno),
                 "give an existing folder")
        .named("project_dir_not_found");
  if (!S_ISDIR(info.st_mode))
    return Error(Code::InvalidArgument, "project_dir '" + path.string() + "' is not a folder",
                 "give the folder that holds it")
        .named("project_dir_not_a_folder");
  std::error_code failed;
  const fs::path whole = fs::canonical(path, failed);
  return failed ? fs::absolute(path).string() : whole.string();
}

Status checkParameters(const agents::StartPlan& plan, const Json& parameters) {
  const auto errors = plan.parameters.validate(parameters);
  if (errors.empty()) return ok();
  return Error(Code::InvalidArgument,
               "parameters do not match the parameters_schema of blueprint '" +
                   plan.blueprint.name + "': " + json::errorsText(errors),
               "list_blueprints shows the schema")
      .named("parameter_validation_failed")
      .withDetails(json::errorsJson(errors));
}

/// Where a session is to work, and below whom.
struct StartPlace {
  std::string folder;  ///< as checkedFolder() gives it
  std::string caller_session_id;
};

Result<agents::NewSession> newSession(const Context& context, const agents::StartPlan& plan,
                                      const StartAgent::Input& input, StartPlace place) {
  if (Status checked = checkParameters(plan, input.parameters); !checked.ok())
    return std::move(checked).error();
  const agents::Blueprint& blueprint = plan.blueprint;
  if (blueprint.driver == "process")
    if (Status fits = runner::checkArguments(input.parameters); !fits.ok())
      return std::move(fits).error();
  auto command = runner::resolveCommand(blueprint, context.supervisor.launchContext());
  if (!command.ok()) return std::move(command).error();

  agents::NewSession session;
  session.name = input.name;
  session.agent_name = blueprint.name;
  session.driver = blueprint.driver;
  session.project_dir = std::move(place.folder);
  session.model = input.model.empty() ? blueprint.model : input.model;
  session.parent_session_id =
      input.parent_session_id.empty() ? place.caller_session_id : input.parent_session_id;
  session.blueprint = plan.snapshot;
  session.parameters = json::dump(input.parameters);
  session.hostname = hostName();
  session.mode = input.mode;
  session.owner = context.supervisor.replicaId();
  session.now = isoTimestamp(Clock::system().now());
  return session;
}

/// Calls that came together look at the blueprints' files together.
void holdCatalog(const Context& context) {
  if (context.catalog.held()) return;
  context.catalog.hold();
  context.post([&catalog = context.catalog] { catalog.release(); });
}

}  // namespace

Result<StartAgent::Input> StartAgent::decode(const Json& arguments) {
  Input input;
  input.blueprint = json::stringOr(arguments, "blueprint", "claude");
  const Json* prompt = json::find(arguments, "prompt");
  const Json* parameters = json::find(arguments, "parameters");
  if (prompt != nullptr && parameters != nullptr)
    return Error(Code::InvalidArgument, "both prompt and parameters are given",
                 "give prompt alone, or put it into parameters");
  if (parameters != nullptr) input.parameters = *parameters;
  if (parameters == nullptr) input.parameters = Json::object();
  if (prompt != nullptr) input.parameters["prompt"] = *prompt;
  input.mode = agents::parseExecutionMode(json::stringOr(arguments, "mode", "async_poll"))
                   .value_or(agents::ExecutionMode::AsyncPoll);
  input.wait = toMillis(json::numberOr(arguments, "wait_s", 45));
  input.project_dir = json::stringOr(arguments, "project_dir", "");
  input.name = json::stringOr(arguments, "name", "");
  input.model = json::stringOr(arguments, "model", "");
  input.parent_session_id = json::stringOr(arguments, "parent_session_id", "");
  input.idempotency_key = json::stringOr(arguments, "idempotency_key", "");
  if (!input.idempotency_key.empty()) input.body = bodyWithoutKey(arguments);
  return input;
}

Result<agents::NewSession> StartAgent::prepare(const Context& context, const Input& input,
                                               const mcp::Caller& caller) {
  Result<std::string> folder = checkedFolder(input.project_dir, context.working_folder);
  if (!folder.ok()) return std::move(folder).error();
  const auto plan = context.catalog.plan(input.blueprint, *folder);
  if (!plan.ok()) return plan.error();
  return newSession(context, **plan, input, {std::move(*folder), caller.agent_session_id});
}

Result<agents::NewSession> StartAgent::prepareFrom(const Context& context,
                                                   const agents::StartPlan& plan,
                                                   const Input& input, const mcp::Caller& caller) {
  Result<std::string> folder = checkedFolder(input.project_dir, context.working_folder);
  if (!folder.ok()) return std::move(folder).error();
  return newSession(context, plan, input, {std::move(*folder), caller.agent_session_id});
}

Result<agents::StartedRun> StartAgent::run(store::Tx& tx, const Input& input,
                                           const agents::NewSession& session,
                                           const agents::SessionLimits& limits) {
  return onceForKey(tx, {kName, input.idempotency_key, input.body, session.now},
                    [&] { return agents::startSession(tx, session, limits); });
}

void StartAgent::handle(const Context& context, const CallPtr& call) {
  Result<Input> input = decode(call->arguments());
  if (!input.ok()) return call->finish(std::move(input).error());
  const AnswerOptions answer{input->mode, input->wait};
  if (call->repeated())
    return awaitStarted(
        context, call,
        {kName, startedKey(call, input->idempotency_key, answer), input->body, answer});
  holdCatalog(context);
  Result<agents::NewSession> session = prepare(context, *input, call->caller());
  if (!session.ok()) return call->finish(std::move(session).error());
  input->idempotency_key = startedKey(call, input->idempotency_key, answer);
  struct Prepared {
    Input input;
    agents::NewSession session;
    agents::SessionLimits limits;
    std::string task_id;
  };
  auto prepared = std::make_shared<const Prepared>(Prepared{std::move(*input), std::move(*session),
                                                            context.supervisor.limits(),
                                                            std::string(call->taskId())});
  write<agents::StartedRun>(
      context,
      [prepared](store::Tx& tx) -> Result<agents::StartedRun> {
        Status wanted = checkWanted(tx, prepared->task_id);
        if (!wanted.ok()) return std::move(wanted).error();
        return run(tx, prepared->input, prepared->session, prepared->limits);
      },
      [&context, call, answer](Result<agents::StartedRun> started) {
        answerWithHandle(context, call, std::move(started), answer);
      });
}

}  // namespace tutti::tools
