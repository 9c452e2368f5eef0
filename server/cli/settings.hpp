// What the command line and the environment say, and where things are by default.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/documents/service.hpp"

namespace tutti::cli {

/// Of the server that gives texts vectors, for searching by meaning.
struct EmbeddingsSettings {
  std::string url;              ///< --embeddings-url, TUTTI_EMBEDDINGS_URL; "": by words alone
  std::string wire = "openai";  ///< --embeddings-wire: openai or ollama
  std::string model;            ///< --embeddings-model, TUTTI_EMBEDDINGS_MODEL
  std::string key_environment;  ///< --embeddings-key-env: the variable that holds the key
  std::string ca_file;          ///< --embeddings-ca-file: for https; "": what the system trusts
  std::int64_t dimensions = 0;  ///< --embeddings-dimensions; 0: the model's own
};

/// Settings that every command shares. The command line wins over the environment.
struct Settings {
  std::string data;                     ///< --data, TUTTI_DATA; "": the XDG state folder
  std::vector<std::string> blueprints;  ///< --blueprints, TUTTI_BLUEPRINTS
  std::vector<std::string> packs;       ///< --pack, TUTTI_PACKS
  std::string assets;                   ///< --assets: replaces embedded schemas and blueprints
  std::string toolsets;                 ///< --toolsets, TUTTI_TOOLSETS
  std::string claude;                   ///< --claude, TUTTI_CLAUDE
  std::string mcp_config;               ///< --mcp-config, TUTTI_MCP_CONFIG; "": nothing is mounted
  std::string log_level = "warning";    ///< --log-level, TUTTI_LOG
  std::size_t tasks_max = 4096;         ///< --tasks-max, TUTTI_TASKS_MAX; kept at once
  std::int64_t children_max = 64;       ///< --children-max, TUTTI_CHILDREN_MAX; of one session
  std::int64_t depth_max = 8;           ///< --depth-max, TUTTI_DEPTH_MAX; of the tree of sessions
  std::int64_t ping_every_s = 0;        ///< --ping-every, TUTTI_PING_EVERY; 0: no pings
  std::vector<std::string> document_roots;  ///< --document-root, TUTTI_DOCUMENT_ROOTS
  documents::ServiceOptions documents;      ///< --document-…, TUTTI_DOCUMENT_…; roots: above
  /// --public-url, TUTTI_PUBLIC_URL: in front of documents' paths. "": REST takes the request's
  /// Host, tools what this process serves, if anything.
  std::string public_url;
  EmbeddingsSettings embeddings;
  /// --route-embeddings, TUTTI_ROUTE_EMBEDDINGS: on or off. Off: requests and agents' texts are not
  /// sent to the embeddings server.
  std::string route_embeddings = "on";
  std::int64_t route_cache_ttl_s = 3600;  ///< --route-cache-ttl; 0: decisions are not cached
  std::string route_judge;  ///< --route-judge, TUTTI_ROUTE_JUDGE; "": none is asked unasked
  std::int64_t route_judge_wait_s = 45;   ///< --route-judge-wait, TUTTI_ROUTE_JUDGE_WAIT
  std::int64_t route_judges_max = 4;      ///< --route-judges-max, TUTTI_ROUTE_JUDGES_MAX
  std::int64_t route_start_wait_s = 600;  ///< --route-start-wait, TUTTI_ROUTE_START_WAIT
  double progress_every_s = 10;           ///< --progress-every, TUTTI_PROGRESS_EVERY; 0.05 to 15
};

struct HttpSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8765;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_origins;
  std::string port_file;    ///< where the port in use is written, for scripts with --port 0
  std::string socket_path;  ///< --socket: a Unix socket instead of host and port
  std::string token;        ///< --token, TUTTI_TOKEN
  std::string token_file;   ///< --token-file: its first line is the token
  bool no_token = false;    ///< --no-token: beyond this machine without authentication
  std::string tls_certificate;
  std::string tls_key;
  bool http_sse = false;  ///< --http-sse: the transport of 2024-11-05 at /sse too
  std::optional<std::uint16_t> documents_port;  ///< --documents-port: the context store's routes
                                                ///< on a port of their own too
  std::string documents_port_file;              ///< where that port is written

  bool beyondThisMachine() const;
};

/// The token that requests must bear; "" for none. Errors: InvalidArgument "token" when the file
/// cannot be read or what is given is no token, FailedPrecondition "token_needed" when `http`
/// listens beyond this machine and neither gives one nor says that none is wanted.
Result<std::string> bearerToken(const HttpSettings& http);

/// The store's folder: `given`, or $XDG_STATE_HOME/tutti, or ~/.local/state/tutti. Errors:
/// FailedPrecondition "no_home" when none can be told.
Result<std::filesystem::path> dataFolder(const std::string& given);

/// This program's own file.
std::filesystem::path ownProgram();

/// Arguments that give another `tutti stdio` the same view: blueprints, packs, assets, toolsets,
/// claude, mounted servers, documents.
std::vector<std::string> sharedArguments(const Settings& settings);

/// `url` without slashes at its end, for what begins with one.
std::string withoutLastSlash(std::string url);

/// $name, or "".
std::string fromEnvironment(const char* name);

}  // namespace tutti::cli
