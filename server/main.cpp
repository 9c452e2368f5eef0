// The program: what its commands are called and what they take. The commands themselves are in
// cli/.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <functional>

#include "server/base/log.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/completion.hpp"
#include "server/cli/doc.hpp"
#include "server/cli/document_options.hpp"
#include "server/cli/print.hpp"
#include "server/cli/route.hpp"
#include "server/cli/survey.hpp"
#include "server/cli/usage.hpp"
#include "server/runner/host.hpp"
#include "server/toolhost/guard.hpp"

namespace tutti::cli {
namespace {

constexpr const char* kFooter =
    "\nTo give tutti to Claude Code:  claude mcp add tutti -- tutti stdio\n"
    "To make one call from a script:  tutti call list_blueprints\n"
    "Data is kept in $TUTTI_DATA, else $XDG_STATE_HOME/tutti, else ~/.local/state/tutti.";

/// Everything the parser fills in. Outlives the parse.
struct Line {
  Settings settings;
  HttpSettings http;
  CallRequest call;
  EventsRequest events;
  DoctorRequest doctor;
  RouteEvalRequest route_eval;
  RouteAskRequest route;
  RouteExplainRequest route_explain;
  RouteFeedbackRequest route_feedback;
  runner::HostAddress host;
  std::string host_data;
  std::string shell;
  bool as_json = false;
};

using Command = std::function<int()>;

/// A number of `range` whose default the help shows.
template <class Number>
void addNumber(CLI::App& app, const char* option, const char* variable, Number& value,
               const CLI::Range& range, const char* description) {
  app.add_option(option, value, description)
      ->envname(variable)
      ->capture_default_str()
      ->check(range);
}

void addRouteOptions(CLI::App& app, Settings& settings) {
  addNumber(app, "--route-cache-ttl", "PANTHEROS_ORCHESTRATOR_CACHE_TTL",
            settings.route_cache_ttl_s, CLI::Range(0, 31'536'000),
            "Seconds for which a decision on the same request is kept; 0: each is made anew");
  app.add_option("--route-embeddings", settings.route_embeddings,
                 "on: where an embeddings server is configured, routing sends it the requests and "
                 "what agents are learnt from; off: it goes by words alone")
      ->envname("TUTTI_ROUTE_EMBEDDINGS")
      ->capture_default_str()
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--route-judge", settings.route_judge,
                 "Blueprint of an agent that is asked whom a request is for where that is a close "
                 "call, as route-judge; without it only calls with ask_agent ask one")
      ->envname("TUTTI_ROUTE_JUDGE");
  addNumber(app, "--route-judge-wait", "TUTTI_ROUTE_JUDGE_WAIT", settings.route_judge_wait_s,
            CLI::Range(1, 600), "Seconds to wait for its verdict; then it is stopped");
  addNumber(app, "--route-judges-max", "TUTTI_ROUTE_JUDGES_MAX", settings.route_judges_max,
            CLI::Range(1, 64), "Judges at work at once; beyond it requests are decided without");
  addNumber(app, "--route-start-wait", "TUTTI_ROUTE_START_WAIT", settings.route_start_wait_s,
            CLI::Range(0, 86'400),
            "Seconds for which the next part of a dispatched request is tried again while its "
            "start is refused for now, as by --children-max; then a person is asked");
}

void addShared(CLI::App& app, Settings& settings) {
  app.add_option("--data", settings.data, "Folder of the store")->envname("TUTTI_DATA");
  app.add_option("--blueprints", settings.blueprints,
                 "Folder with agents/, capabilities/, scripts/ (may be repeated)")
      ->envname("TUTTI_BLUEPRINTS")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--pack", settings.packs,
                 "Further agents that travel with tutti: amas, nephio or pantheros (may be "
                 "repeated; see: tutti packs)")
      ->envname("TUTTI_PACKS")
      ->delimiter(',')
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--assets", settings.assets,
                 "Folder that replaces the embedded schemas/ and "
                 "blueprints/");
  app.add_option(
         "--toolsets", settings.toolsets,
         "Toolsets to publish: agents, sessions, documents, documents-more, routing, tools, all")
      ->envname("TUTTI_TOOLSETS");
  app.add_option("--claude", settings.claude, "Claude Code's program")->envname("TUTTI_CLAUDE");
  app.add_option("--mcp-config", settings.mcp_config,
                 "File with mcpServers, as for Claude Code: their tools are offered too")
      ->envname("TUTTI_MCP_CONFIG");
  app.add_option("--log-level", settings.log_level, "debug, info, warning, error or off")
      ->envname("TUTTI_LOG")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}));
  addNumber(app, "--tasks-max", "TUTTI_TASKS_MAX", settings.tasks_max, CLI::Range(1, 1'000'000),
            "Tasks that are kept at once, ended ones until they expire");
  addNumber(app, "--children-max", "TUTTI_CHILDREN_MAX", settings.children_max,
            CLI::Range(1, 10'000),
            "Sessions below one that may be unfinished at once; a further start is refused");
  addNumber(app, "--depth-max", "TUTTI_DEPTH_MAX", settings.depth_max, CLI::Range(0, 64),
            "How deep the tree of sessions may be, a root being 0");
  app.add_option("--document-root", settings.document_roots,
                 "Folder that doc_push and doc_pull may use beside the project (may be repeated)")
      ->envname("TUTTI_DOCUMENT_ROOTS")
      ->take_all()
      ->allow_extra_args(false);
  addDocumentOptions(app, settings.documents);
  app.add_option("--public-url", settings.public_url,
                 "What comes before the paths of documents, as http://host:8766; without it, what "
                 "tutti serve listens on, and for HTTP requests their Host")
      ->envname("TUTTI_PUBLIC_URL");
  addRouteOptions(app, settings);
  addNumber(app, "--ping-every", "TUTTI_PING_EVERY", settings.ping_every_s, CLI::Range(0, 86'400),
            "Seconds between two pings to a client that holds a stream; one that does not "
            "answer within a minute is let go. 0: none (revisions before 2026-07-28)");
  addNumber(app, "--progress-every", "TUTTI_PROGRESS_EVERY", settings.progress_every_s,
            CLI::Range(0.05, 15.0), "Seconds between two signs of life of a call that waits");
}

void addEmbeddings(CLI::App& app, EmbeddingsSettings& settings) {
  app.add_option(
         "--embeddings-url", settings.url,
         "Embeddings server: documents are then searched by meaning too, and requests routed by it")
      ->envname("TUTTI_EMBEDDINGS_URL");
  app.add_option("--embeddings-wire", settings.wire, "What it speaks: openai or ollama")
      ->envname("TUTTI_EMBEDDINGS_WIRE")
      ->capture_default_str()
      ->check(CLI::IsMember({"openai", "ollama"}));
  app.add_option("--embeddings-model", settings.model, "Its model")
      ->envname("TUTTI_EMBEDDINGS_MODEL");
  app.add_option("--embeddings-key-env", settings.key_environment,
                 "Environment variable that holds its key")
      ->envname("TUTTI_EMBEDDINGS_KEY_ENV");
  app.add_option("--embeddings-ca-file", settings.ca_file,
                 "PEM file with its certificate or its authority's, instead of what the system "
                 "trusts")
      ->envname("TUTTI_EMBEDDINGS_CA_FILE");
  app.add_option("--embeddings-dimensions", settings.dimensions,
                 "Length of its vectors; 0: what the model gives")
      ->envname("TUTTI_EMBEDDINGS_DIMENSIONS")
      ->check(CLI::Range(0, 65536));
}

void addServing(CLI::App& app, Line& line, Command& chosen) {
  auto* stdio = app.add_subcommand("stdio", "Serve MCP on stdin and stdout");
  stdio->callback([&] { chosen = [&] { return runStdio(line.settings); }; });

  auto* serve = app.add_subcommand("serve", "Serve MCP over HTTP at /mcp, documents, and /health");
  serve->add_option("--host", line.http.host, "Address to listen on")->capture_default_str();
  serve->add_option("--port", line.http.port, "Port; 0 for any free one")->capture_default_str();
  serve->add_option("--allow-host", line.http.allowed_hosts,
                    "A Host header to accept beside the loopback names (may be repeated)");
  serve->add_option("--allow-origin", line.http.allowed_origins,
                    "An Origin header to accept beside the loopback ones (may be repeated)");
  serve->add_option("--port-file", line.http.port_file, "File to write the port in use to");
  serve->add_option("--socket", line.http.socket_path, "Unix socket to listen on instead");
  serve
      ->add_option("--token", line.http.token,
                   "Bearer token that requests must have; others see it in ps, so prefer a file")
      ->envname("TUTTI_TOKEN");
  serve->add_option("--token-file", line.http.token_file, "File whose first line is the token");
  serve->add_flag("--no-token", line.http.no_token, "Listen beyond this machine without a token");
  serve->add_flag("--http-sse", line.http.http_sse,
                  "Serve the HTTP+SSE transport of 2024-11-05 at /sse too, for old clients");
  serve->add_option(
      "--documents-port", line.http.documents_port,
      "Serve documents on a port of their own too, as AOF's clients expect it at 8766");
  serve->add_option("--documents-port-file", line.http.documents_port_file,
                    "File to write that port to");
  auto* certificate = serve->add_option("--tls-cert", line.http.tls_certificate,
                                        "PEM file with the server's certificate: serve HTTPS");
  auto* key = serve->add_option("--tls-key", line.http.tls_key, "PEM file with its key");
  certificate->needs(key);
  key->needs(certificate);
  serve->callback([&] { chosen = [&] { return runServe(line.settings, line.http); }; });
}

void addCalling(CLI::App& app, Line& line, Command& chosen) {
  auto* call = app.add_subcommand("call", "Call one tool and print its result as JSON");
  call->add_option("tool", line.call.tool, "Name of the tool (see: tutti tools)")->required();
  call->add_option("arguments", line.call.arguments, "A JSON object; - reads it from stdin");
  call->add_flag("--quiet,-q", line.call.quiet, "No progress on stderr");
  call->add_flag("--json", line.as_json, "JSON is what it prints in any case");
  call->callback([&] { chosen = [&] { return runCall(line.settings, line.call); }; });

  const auto format = [&line] { return line.as_json ? Format::Json : Format::People; };
  struct Listing {
    const char* name;
    const char* description;
    int (*run)(const Settings&, Format);
  };
  constexpr Listing kListings[] = {
      {"tools", "List the tools", runTools},
      {"blueprints", "List the agents that can be started", runBlueprints},
      {"packs", "List the packs of agents that --pack adds", runPacks},
      {"sessions", "List agent sessions, newest first", runSessions}};
  for (const Listing& listing : kListings) {
    auto* list = app.add_subcommand(listing.name, listing.description);
    list->add_flag("--json", line.as_json, "Print JSON");
    list->callback([&line, &chosen, format, run = listing.run] {
      chosen = [&line, format, run] { return run(line.settings, format()); };
    });
  }
  auto* events = app.add_subcommand("events", "Show what has happened in a session");
  events->add_option("session", line.events.session, "Id or name of the session")->required();
  events->add_flag("--follow,-f", line.events.follow, "Go on until its run is over");
  events->add_flag("--json", line.as_json, "Print one JSON object a line");
  events->callback([&line, &chosen, format] {
    chosen = [&line, format] {
      line.events.format = format();
      return runEvents(line.settings, line.events);
    };
  });
}

void addRouting(CLI::App& app, Line& line, Command& chosen) {
  const auto format = [&line] { return line.as_json ? Format::Json : Format::People; };
  auto* route = app.add_subcommand("route", "Find the right agent for a request, and why");
  route->add_option("request", line.route.request, "What is to be done, in quotes");
  route->add_option("--context", line.route.context, "What came before");
  route
      ->add_option("--candidate", line.route.candidates,
                   "Choose among these blueprints alone (may be repeated)")
      ->allow_extra_args(false);
  route->add_flag("--dispatch", line.route.dispatch, "Start the chosen agent");
  route->add_flag("--dry-run", line.route.dry_run, "Store nothing");
  auto* ask = route->add_flag_callback(
      "--ask", [&line] { line.route.ask_agent = true; },
      "Ask an agent if it is a close call: that of --route-judge, else route-judge");
  route
      ->add_flag_callback(
          "--no-ask", [&line] { line.route.ask_agent = false; }, "Ask no agent in any case")
      ->excludes(ask);
  route->add_option("--project-dir", line.route.project_dir, "Folder that the agent works in");
  route->add_flag("--json", line.as_json, "Print JSON");
  route->callback([&line, &chosen, format, route] {
    if (!route->get_subcommands().empty()) return;
    if (line.route.request.empty()) throw CLI::RequiredError("a request, in quotes,");
    chosen = [&line, format] {
      line.route.format = format();
      return runRoute(line.settings, line.route);
    };
  });
  auto* explain = route->add_subcommand("explain", "Tell about a decision, or list the newest");
  explain->add_option("decision", line.route_explain.decision_id, "Its id");
  explain->add_flag("--json", line.as_json, "Print JSON");
  explain->callback([&line, &chosen, format] {
    chosen = [&line, format] {
      line.route_explain.format = format();
      return runRouteExplain(line.settings, line.route_explain);
    };
  });
  auto* feedback = route->add_subcommand("feedback", "Say whether a decision was right");
  feedback->add_option("decision", line.route_feedback.decision_id, "Its id")->required();
  feedback->add_option("outcome", line.route_feedback.outcome, "right or wrong")
      ->required()
      ->check(CLI::IsMember({"right", "wrong"}));
  feedback->add_option("--better", line.route_feedback.better,
                       "The blueprint that should have been chosen, or nobody");
  feedback->add_flag("--json", line.as_json, "Print JSON");
  feedback->callback([&line, &chosen, format] {
    chosen = [&line, format] {
      line.route_feedback.format = format();
      return runRouteFeedback(line.settings, line.route_feedback);
    };
  });
  auto* eval = route->add_subcommand(
      "eval", R"(Measure the classifier on lines {"text", "label"}; label oos for nobody)");
  eval->add_option("file", line.route_eval.file, "A file to cross-validate");
  eval->add_option("--train", line.route_eval.train, "File to learn from");
  eval->add_option("--val", line.route_eval.validation, "File to tune on");
  eval->add_option("--test", line.route_eval.test, "File to measure on");
  eval->add_flag("--json", line.as_json, "Print one JSON object");
  eval->callback([&line, &chosen, format] {
    chosen = [&line, format] {
      line.route_eval.format = format();
      return runRouteEval(line.settings, line.route_eval);
    };
  });
}

void addRest(CLI::App& app, Line& line, Command& chosen) {
  // Reads its own arguments (see run()); listed here for the help and the completion.
  app.add_subcommand("survey", "Print what a folder of source code holds, as JSON");

  auto* doctor = app.add_subcommand("doctor", "Check the store: database, documents, files, index");
  doctor->add_flag("--fix", line.doctor.fix,
                   "Remove what belongs to nothing, and index anew what is not as its document");
  doctor->add_flag("--json", line.as_json, "Print JSON");
  doctor->callback([&line, &chosen] {
    chosen = [&line] {
      line.doctor.format = line.as_json ? Format::Json : Format::People;
      return runDoctor(line.settings, line.doctor);
    };
  });

  auto* completion = app.add_subcommand("completion", "Print a shell's completion script");
  completion->add_option("shell", line.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&line, &chosen, &app] {
    chosen = [&line, &app] { return printOut(completionScript(app, line.shell)) ? 0 : 1; };
  });

  // Started by tutti itself, for each live session; no group keeps it out of the help.
  auto* host = app.add_subcommand("run-host", "Host one session's agent")->group("");
  host->add_option("--data", line.host_data)->required();
  host->add_option("--session", line.host.session_id)->required();
  host->add_option("--generation", line.host.generation)->required();
  host->callback([&line, &chosen] {
    chosen = [&line] {
      line.host.store_folder = line.host_data;
      return runner::runHost(line.host);
    };
  });
}

/// Started by tutti itself, for each mounted server; not in the help, and quick.
int guard(const std::vector<std::string>& words) {
  const auto request = toolhost::parseGuardArguments(words);
  if (!request.ok()) return printError(request.error());
  return toolhost::runGuard(*request);
}

int run(int argc, char** argv) {
  CLI::App app("tutti starts, resumes and supervises agents for any MCP client.", "tutti");
  app.set_version_flag("--version", "tutti " TUTTI_VERSION);
  app.fallthrough();
  Line line;
  Command chosen;
  addShared(app, line.settings);
  addEmbeddings(app, line.settings.embeddings);
  addServing(app, line, chosen);
  addCalling(app, line, chosen);
  addDocCommands(app, line.settings, chosen);
  addRouting(app, line, chosen);
  addRest(app, line, chosen);
  layOutHelp(app, kFooter);
  if (argc == 1) {
    printOut(shortHelp(app));
    return 0;
  }
  if (std::string_view(argv[1]) == "survey") return survey({argv + 2, argv + argc});
  if (std::string_view(argv[1]) == toolhost::kGuardCommand) return guard({argv + 2, argv + argc});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return endParse(app, error);
  }
  log::Level level = log::Level::Warning;
  log::parseLevel(line.settings.log_level, level);
  log::configure(level);
  if (!chosen) {
    printOut(shortHelp(app));
    return 2;
  }
  return chosen();
}

}  // namespace
}  // namespace tutti::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is an error of the write
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a file that may not grow
  return tutti::cli::run(argc, argv);
}
