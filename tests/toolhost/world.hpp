// Mounted fakes behind a real server, and a client of that server, in one loop.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "server/base/log.hpp"
#include "server/toolhost/server_sink.hpp"
#include "tests/mcp/client_fixture.hpp"

namespace tutti::toolhost {

namespace client = mcp::client;

struct Inbox final : mcp::Exchange {
  void notify(std::string frame) override { frames.push_back(std::move(frame)); }
  void reply(std::string frame, int) override { frames.push_back(std::move(frame)); }
  void abandon() override {}
  std::deque<std::string> frames;
};

/// Counts what it is told.
struct CountingSink final : ServerSink {
  using ServerSink::ServerSink;
  void promptsChanged() override {
    ++prompt_changes;
    ServerSink::promptsChanged();
  }
  void resourcesChanged() override {
    ++resource_changes;
    ServerSink::resourcesChanged();
  }
  void changed() override {
    ++changes;
    ServerSink::changed();
  }
  int changes = 0;
  int prompt_changes = 0;
  int resource_changes = 0;
};

inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

inline bool alive(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t close = text.rfind(')');
  return close != std::string::npos && text.compare(close, 4, ") Z ") != 0 &&
         text.find(") Z") != close;
}

class MountedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::configure(log::Level::Off);
    ::signal(SIGPIPE, SIG_IGN);  // as the program does: a server may die before it is written to
    std::string pattern = "/tmp/tutti-toolhost-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    ASSERT_FALSE(environment("TUTTI_BIN").empty()) << "TUTTI_BIN names the program";
    options.program = environment("TUTTI_BIN");
    ASSERT_TRUE(server.addTool(fixture::echoTool(), fixture::echo).ok());  // one of its own
    options.restart_first_ms = 20;
  }
  void TearDown() override {
    caller.reset();
    if (host)  // a server writes its notes to the end
      for (const MountHealth& each : host->health())
        if (each.pid != 0) pids.push_back(each.pid);
    host.reset();
    for (const int pid : pids) EXPECT_TRUE(until([pid] { return !alive(pid); })) << pid;
    std::filesystem::remove_all(folder);
  }

  std::string fake() const { return environment("TUTTI_FAKES") + "/mcp_fake"; }
  MountSpec spec(const std::string& name, std::vector<std::string> arguments = {}) const {
    MountSpec made;
    made.name = name;
    made.command = fake();
    made.arguments = std::move(arguments);
    made.environment = {"PATH=/usr/bin:/bin"};
    return made;
  }
  /// Mounts, and connects a client that can be asked.
  void mount(std::vector<MountSpec> specs, client::Era era = client::Era::Modern) {
    host = std::make_unique<ToolHost>(io, std::move(specs), options, sink);
    host->start();
    client_options.era = era;
    caller = std::make_unique<client::Client>(channel, client_options, told);
    caller->start();
    bool settled = false;
    host->whenSettled([&settled] { settled = true; }, 60'000);
    ASSERT_TRUE(until([&] { return settled && caller->ready(); }));
  }
  /// Carries what is there between the client and the server.
  void pump() {
    while (!channel.sent.empty() || !inbox->frames.empty()) {
      for (const client::Outgoing& message : std::exchange(channel.sent, {}))
        connection.receive(message.text);
      for (const std::string& frame : std::exchange(inbox->frames, {}))
        if (caller) caller->receive(frame);
    }
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (pump(); !condition(); pump()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      io.restart();
      io.run_one_for(std::chrono::milliseconds(10));
    }
    return true;
  }
  client::Ended begin(const std::string& tool, Json arguments = Json::object(),
                      client::CallOptions call_options = {}) {
    client::Ended ended;
    ticket = caller->call({tool, std::move(arguments)}, std::move(call_options), ended.done());
    return ended;
  }
  /// A call to its end: the result object, or {"error": …} of the protocol.
  Json call(const std::string& tool, Json arguments = Json::object()) {
    const client::Ended ended = begin(tool, std::move(arguments));
    if (!until([&] { return !ended.all.empty(); })) return {{"error", "no answer"}};
    if (!ended.all[0].ok()) return {{"error", ended.error().text()}};
    return ended.value();
  }
  static std::string textOf(const Json& result) {
    const Json* content = json::find(result, "content");
    if (content == nullptr || content->empty()) return result.dump();
    return json::stringOr(content->at(0), "text", "");
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    bool done = false;
    caller->list(client::ListKind::Tools, [&](Result<std::vector<client::ListEntry>> list) {
      for (const auto& entry : *list) found.push_back(entry.value.at("name").get<std::string>());
      done = true;
    });
    EXPECT_TRUE(until([&] { return done; }));
    return found;
  }
  MountHealth health(std::size_t index = 0) const { return host->health().at(index); }
  std::string notes(const std::string& file) const {
    std::ifstream in(folder / file);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }

  boost::asio::io_context io{1};
  std::filesystem::path folder;
  MountOptions options;
  client::Options client_options = client::allOptions();
  mcp::Server server{mcp::ServerOptions{}};
  std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>();
  mcp::Connection connection{server, inbox, mcp::Connection::Client{}};
  CountingSink sink{server};
  client::FakeChannel channel;
  client::Told told;
  std::unique_ptr<ToolHost> host;
  std::unique_ptr<client::Client> caller;
  client::Ticket ticket = 0;
  std::vector<int> pids;  // must be gone in the end
};

}  // namespace tutti::toolhost
