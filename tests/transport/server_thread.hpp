// The fixture server on its own thread, so that a test can be a blocking client.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "server/base/log.hpp"
#include "server/transport/transport.hpp"
#include "tests/mcp/fixture.hpp"

namespace tutti::fixture {

/// Owns the event loop. Everything of the server is touched on its thread only, by run().
class ServerThread {
 public:
  explicit ServerThread(mcp::ServerOptions server_options = options())
      : server(std::move(server_options)), work_(io.get_executor()), thread_([this] { io.run(); }) {
    std::signal(SIGPIPE, SIG_IGN);
    log::configure(log::Level::Off);
    run([this] { addTools(server, held); });
  }
  ~ServerThread() {
    run([this] {
      stdio.reset();
      http.reset();
      held.calls.clear();
    });
    work_.reset();
    io.stop();
    thread_.join();
  }

  /// Runs `work` on the server's thread and waits for it.
  void run(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(io, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  /// The same, with a value.
  template <class Value>
  Value ask(const std::function<Value()>& question) {
    std::optional<Value> answer;
    run([&] { answer = question(); });
    return *answer;
  }
  /// Runs `work` here while the server stands still: what `work` sends is all there when it goes
  /// on.
  void whileItStands(const std::function<void()>& work) {
    std::promise<void> go;
    std::promise<void> stands;
    boost::asio::post(io, [&] {
      stands.set_value();
      go.get_future().wait();
    });
    stands.get_future().wait();
    work();
    go.set_value();
    run([] {});  // the promises are needed no longer
  }
  /// Waits, turn by turn of the loop, until `condition` holds there. False after a minute.
  bool eventually(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!ask<bool>(condition)) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::yield();
    }
    return true;
  }

  boost::asio::io_context io{1};
  Held held;
  mcp::Server server;
  std::unique_ptr<transport::StdioServer> stdio;
  std::unique_ptr<transport::HttpServer> http;

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace tutti::fixture
