#include "server/cli/application.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <map>

#include "server/agents/packs.hpp"
#include "server/base/embedded.hpp"
#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/cli/migrations.hpp"
#include "server/cli/mounts.hpp"
#include "server/cli/route_vectors.hpp"
#include "server/cli/sources.hpp"
#include "server/documents/service.hpp"
#include "server/routing/router.hpp"
#include "server/search/document_search.hpp"
#include "server/toolhost/server_sink.hpp"
#include "server/transport/timers.hpp"
#include "tools/document_resources.hpp"
#include "tools/prompts.hpp"
#include "tools/registry.hpp"
#include "tools/resources.hpp"
#include "tools/route_follower.hpp"
#include "tools/skills.hpp"

namespace tutti::cli {
namespace net = boost::asio;
namespace fs = std::filesystem;

namespace {
constexpr std::int64_t kLeaveMaxMs = 10'000;
constexpr std::int64_t kAdoptDelayMs = 50;
constexpr std::int64_t kFirstSweepMs = 30'000;
constexpr std::int64_t kSweepEveryMs = 3'600'000;
constexpr std::size_t kSchemaBytesMax = 1U << 20;

constexpr const char* kInstructions =
    "tutti starts and supervises agents. list_blueprints shows which there are; start_agent "
    "returns a "
    "session_id at once and the agent goes on in the background; get_result waits for its result; "
    "resume continues the conversation. When it is not clear which agent should do the work, "
    "route_request tells, or starts it. Agents survive a restart of this server. Share what was "
    "found by doc_push; doc_query lists it and doc_read reads it.";

/// A schema's text: from the assets folder if it is there, else the embedded one.
std::string schemaText(const std::string& assets, std::string_view name) {
  if (!assets.empty()) {
    auto text = readFile(fs::path(assets) / "schemas" / name, kSchemaBytesMax);
    if (text.ok()) return std::move(*text);
  }
  const std::string path = "schemas/" + std::string(name);
  for (const EmbeddedFile& file : embeddedFiles())
    if (file.path == path) return std::string(file.content);
  return {};
}

/// prompts/*.md, and what is below prompts/skills/ by its path from there. A file of the assets
/// folder comes in place of the embedded one of that name.
struct PromptTexts {
  std::vector<tools::TextFile> here;
  std::vector<tools::TextFile> skills;
};

PromptTexts promptTexts(const std::string& assets) {
  std::map<std::string, std::string> texts;
  constexpr std::string_view kFolder = "prompts/";
  for (const EmbeddedFile& file : embeddedFiles())
    if (file.path.starts_with(kFolder))
      texts[std::string(file.path.substr(kFolder.size()))] = file.content;
  const fs::path folder = fs::path(assets) / "prompts";
  std::error_code none;
  if (!assets.empty())
    for (const auto& entry : fs::recursive_directory_iterator(folder, none))
      if (auto text = readFile(entry.path(), kSchemaBytesMax); text.ok())
        texts[fs::relative(entry.path(), folder, none).string()] = std::move(*text);
  PromptTexts sorted;
  constexpr std::string_view kSkills = "skills/";
  for (auto& [path, content] : texts) {
    if (path.starts_with(kSkills))
      sorted.skills.push_back({path.substr(kSkills.size()), std::move(content)});
    else if (path.find('/') == path.npos && path.ends_with(".md") && path != "README.md")
      sorted.here.push_back({kFolder.data() + path, std::move(content)});
  }
  return sorted;
}

/// A store that cannot be opened may be given another folder, where nothing better is known.
Error withPlaceHint(Error error) {
  if (!error.hint().empty()) return error;
  return Error(error.code(), std::string(error.message()),
               "give a folder that can be written with --data or TUTTI_DATA")
      .named(std::string(error.name()));
}
}  // namespace

Application::Application() = default;
Application::~Application() = default;

struct Application::Signals {
  explicit Signals(net::io_context& io) : set(io, SIGTERM, SIGINT) {}
  net::signal_set set;
};

Result<std::unique_ptr<Application>> Application::open(const Settings& settings) {
  std::unique_ptr<Application> application(new Application());
  if (Status wired = application->wire(settings); !wired.ok()) return std::move(wired).error();
  return application;
}

Status Application::openStore(const Settings& settings) {
  auto folder = dataFolder(settings.data);
  if (!folder.ok()) return std::move(folder).error();
  auto opened = store::Store::open(*folder, allMigrations());
  if (!opened.ok()) return withPlaceHint(std::move(opened).error());
  store_ = std::move(*opened);
  notifier_ = std::make_unique<store::Notifier>(io_, *store_, folders_);
  return notifier_->start();
}

Status Application::startRunner(const Settings& settings) {
  runner::Supervisor::Options options;
  options.folders = &folders_;
  options.limits.children_max = settings.children_max;
  options.limits.depth_max = settings.depth_max;
  options.launch.program = ownProgram();
  options.launch.store_folder = store_->folder();
  options.launch.stdio_arguments = sharedArguments(settings);
  if (!settings.claude.empty()) options.launch.claude_command = settings.claude;
  options.launch.environment = runner::currentEnvironment();
  supervisor_ = std::make_unique<runner::Supervisor>(io_, *store_, std::move(options));
  return supervisor_->start();
}

void Application::keepTasks(const Settings& settings, const std::shared_ptr<mcp::Timers>& timers) {
  tasks::DurableTaskStore::Parts parts{
      *store_,
      *notifier_,
      context_->post,
      supervisor_->replicaId(),
      [this](const std::string& replica) { return supervisor_->isDead(replica); },
      timers};
  parts.tasks_max = settings.tasks_max;
  tasks_ = std::make_shared<tasks::DurableTaskStore>(std::move(parts));
}

/// After the first answers: nobody waits for it as long as that.
void Application::adoptTasks(mcp::Timers& timers) {
  supervisor_->onDeparture([this](const std::string& replica) {
    replica.empty() ? tasks_->adoptAll() : tasks_->adopt(replica);
    route_follower_->look();
  });
  adoption_ = timers.after(kAdoptDelayMs, [this] { tasks_->adoptAll(); });
}

Status Application::keepDocuments(const Settings& settings,
                                  const std::shared_ptr<mcp::Timers>& timers) {
  documents::ServiceOptions options = settings.documents;
  for (const std::string& root : settings.document_roots) options.roots.emplace_back(root);
  options.user_roots.emplace_back(context_->working_folder);
  documents_ = std::make_unique<documents::DocumentService>(documents::DocumentService::Parts{
      .store = *store_, .post = context_->post, .options = std::move(options)});
  context_->documents = documents_.get();
  documentsAt(withoutLastSlash(settings.public_url));
  sweepDocuments(*timers, kFirstSweepMs);
  auto search = search::DocumentSearch::create(
      {*store_, context_->post, embeddingsOptions(settings.embeddings)});
  if (!search.ok()) return std::move(search).error();
  search_ = std::move(*search);
  context_->search = search_.get();
  return ok();
}

void Application::learnToRoute() {
  if (routes_) net::post(io_, [this] { router_->prepare(); });
}

void Application::indexDocuments() {
  index_watch_ = notifier_->watchCommits([this] { search_->wake(); });
  search_->wake();
}

void Application::sweepDocuments(mcp::Timers& timers, std::int64_t delay_ms) {
  sweep_ = timers.after(delay_ms, [this, &timers] {
    documents_->sweep([](const auto&) {});
    sweepDocuments(timers, kSweepEveryMs);
  });
}

Status Application::startRouter(const Settings& settings,
                                const std::shared_ptr<mcp::Timers>& timers) {
  auto vectors = routeVectors(settings);
  if (!vectors.ok()) return std::move(vectors).error();
  const agents::BlueprintCatalog::Options sources = catalogOptions(settings);
  routing::DeciderOptions options;
  options.cache_ttl = std::chrono::seconds(settings.route_cache_ttl_s);
  context_->route_judge = {settings.route_judge, std::chrono::seconds(settings.route_judge_wait_s),
                           settings.route_judges_max, options.cache_ttl};
  router_ = std::make_unique<routing::Router>(routing::Router::Parts{
      .store = *store_,
      .catalog = *catalog_,
      .post = context_->post,
      .program_check =
          [this](const agents::Blueprint& blueprint) {
            const auto command = runner::resolveCommand(blueprint, supervisor_->launchContext());
            return command.ok() ? std::string() : "cannot start: " + command.error().text();
          },
      .rules = {.folders = sources.folders, .packs = sources.packs},
      .options = options,
      .vectors = std::move(*vectors),
      .after =
          [timers](std::int64_t delay_ms, std::function<void()> callback) {
            return timers->after(delay_ms, std::move(callback));
          }});
  context_->router = router_.get();
  route_follower_ = std::make_unique<tools::RouteFollower>(
      *context_,
      tools::RouteFollower::Options{timers, std::chrono::seconds(settings.route_start_wait_s)});
  route_watch_ = notifier_->watchCommits([this] {
    router_->storeChanged();
    route_follower_->look();
  });
  route_follower_->look();
  return ok();
}

Status Application::wire(const Settings& settings) {
  if (Status known = agents::checkPacks(settings.packs); !known.ok()) return known;
  if (Status opened = openStore(settings); !opened.ok()) return opened;
  catalog_ = std::make_unique<agents::BlueprintCatalog>(catalogOptions(settings));
  if (Status started = startRunner(settings); !started.ok()) return started;
  waiter_ = std::make_unique<runner::Waiter>(io_, *store_, *notifier_);
  std::error_code failed;
  context_ = std::make_unique<tools::Context>(
      tools::Context{*store_, *waiter_, *supervisor_, *catalog_, fs::current_path(failed).string(),
                     [this](std::function<void()> work) { net::post(io_, std::move(work)); },
                     tools::toMillis(settings.progress_every_s)});

  const std::shared_ptr<mcp::Timers> timers = transport::makeTimers(io_);
  if (Status started = startRouter(settings, timers); !started.ok()) return started;

  mcp::ServerOptions server;
  server.title = "tutti";
  server.version = TUTTI_VERSION;
  server.instructions = kInstructions;
  server.timers = timers;
  server.ping_every_s = settings.ping_every_s;
  keepTasks(settings, timers);
  if (Status kept = keepDocuments(settings, timers); !kept.ok()) return kept;
  server.task_store = tasks_;
  server_ = std::make_unique<mcp::Server>(std::move(server));
  std::string toolsets = settings.toolsets;
  if (toolsets.empty()) toolsets = tools::kDefaultToolsets;
  if (settings.toolsets.empty() && !settings.mcp_config.empty()) toolsets += ",tools";
  const Status added = tools::addTools(
      *server_, *context_, toolsets,
      [assets = settings.assets](std::string_view name) { return schemaText(assets, name); });
  if (!added.ok()) return added;
  tasks_->leave(tools::missingTaskTools(toolsets));
  adoptTasks(*timers);
  routes_ = tools::holdsToolset(toolsets, "routing");
  if (Status offered = offer(settings); !offered.ok()) return offered;
  return settings.mcp_config.empty() ? ok() : mount(settings);
}

// What there is beside the tools.
Status Application::offer(const Settings& settings) {
  if (Status added = tools::addResources(*server_, *context_); !added.ok()) return added;
  if (Status added = tools::addDocumentResources(*server_, *context_); !added.ok()) return added;
  const auto prompts = promptTexts(settings.assets);
  if (Status added = tools::addPrompts(*server_, *context_, prompts.here); !added.ok())
    return added;
  if (Status added = tools::addSkills(*server_, prompts.skills); !added.ok()) return added;
  blueprint_skills_ = std::make_unique<tools::BlueprintSkills>(*server_, *catalog_);
  resource_watch_ = std::make_unique<tools::ResourceWatch>(*server_, *context_, *notifier_);
  return ok();
}

Status Application::mount(const Settings& settings) {
  tool_sink_ = std::make_unique<toolhost::ServerSink>(*server_);
  auto opened = openMounts(io_, settings, *tool_sink_);
  if (!opened.ok()) return std::move(opened).error();
  tool_host_ = std::move(*opened);
  context_->tool_host = tool_host_.get();
  tool_host_->start();
  return ok();
}

void Application::run() {
  auto work = net::make_work_guard(io_);
  io_.run();
}

void Application::leave() {
  if (std::exchange(leaving_, true)) return;
  supervisor_->whenIdle([this] { io_.stop(); }, kLeaveMaxMs);
}

void Application::onSignal(std::function<void(int)> handler) {
  signals_ = std::make_shared<Signals>(io_);
  signals_->set.async_wait(
      [this, handler = std::move(handler)](boost::system::error_code error, int signal) {
        if (error) return;
        handler(signal);
        signals_->set.async_wait([this](boost::system::error_code again, int) {
          if (!again) io_.stop();
        });
      });
}

}  // namespace tutti::cli
