// Real pipes, sockets and files against a server on its own thread.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "server/base/fd.hpp"
#include "tests/mcp/client.hpp"
#include "tests/temp_folder.hpp"
#include "tests/transport/server_thread.hpp"

namespace tutti::fixture {
namespace {

struct Pair {
  Fd client;
  Fd server;
};

Pair socketPair() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

/// {read end, write end}.
std::pair<Fd, Fd> makePipe() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

void writeAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

/// A blocking reader of lines.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}
  /// The next line, or "<end>".
  std::string next() {
    for (;;) {
      const auto at = pending_.find('\n');
      if (at != std::string::npos) {
        std::string line = pending_.substr(0, at);
        pending_.erase(0, at + 1);
        return line;
      }
      char block[65536];
      const ssize_t size = ::read(fd_, block, sizeof block);
      if (size <= 0) return "<end>";
      pending_.append(block, static_cast<std::size_t>(size));
    }
  }

 private:
  int fd_;
  std::string pending_;
};

class StdioTest : public testing::Test {
 protected:
  void serve(int input, int output, transport::StdioOptions options = {}) {
    options.input_fd = input;
    options.output_fd = output;
    thread.run([&] {
      thread.stdio = std::make_unique<transport::StdioServer>(thread.io, thread.server, options,
                                                              [this] { closed.set_value(); });
      thread.stdio->start();
    });
  }
  /// Serves one end of a socket pair.
  void serveSocket(const transport::StdioOptions& options = {}) {
    pair = socketPair();
    serve(pair.server.get(), pair.server.get(), options);
    lines = std::make_unique<Lines>(pair.client.get());
  }
  void send(std::string_view text) const { writeAll(pair.client.get(), text); }
  bool closes() {
    return closed.get_future().wait_for(std::chrono::minutes(1)) == std::future_status::ready;
  }

  std::promise<void> closed;
  Pair pair;
  std::unique_ptr<Lines> lines;
  ServerThread thread;
};

const std::string kPing = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
const std::string kPong = R"({"jsonrpc":"2.0","id":1,"result":{}})";
const std::string kSlow =
    R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow"}})";

TEST_F(StdioTest, AnswersLineByLine) {
  serveSocket();
  send(kPing + "\r\n\n" + kPing + "\n");
  EXPECT_EQ(lines->next(), kPong);
  EXPECT_EQ(lines->next(), kPong);
}

TEST_F(StdioTest, TheLastLineNeedsNoNewlineAndEndOfInputCloses) {
  serveSocket();
  send(kPing);
  ::shutdown(pair.client.get(), SHUT_WR);
  EXPECT_EQ(lines->next(), kPong);
  EXPECT_TRUE(closes());
}

TEST_F(StdioTest, ClosesOnlyAfterALateAnswerIsWritten) {
  serveSocket();
  send(kSlow + "\n");
  ::shutdown(pair.client.get(), SHUT_WR);
  EXPECT_NE(lines->next().find("notifications/message"), std::string::npos);
  ASSERT_TRUE(thread.eventually([&] { return thread.held.calls.size() == 1; }));
  auto future = closed.get_future();
  EXPECT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  thread.run([&] { thread.held.finishOne(); });
  EXPECT_NE(lines->next().find(R"("structuredContent":{"done":true})"), std::string::npos);
  EXPECT_EQ(future.wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

TEST_F(StdioTest, AnOpenListenIsToldButKeepsNoProcessAliveAfterTheInputHasEnded) {
  serveSocket();
  send(R"({"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":)"
       R"({"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":)"
       R"("2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})"
       "\n");
  EXPECT_NE(lines->next().find("notifications/subscriptions/acknowledged"), std::string::npos);
  thread.run([&] { thread.server.toolsChanged(); });
  EXPECT_NE(lines->next().find("notifications/tools/list_changed"), std::string::npos);
  ::shutdown(pair.client.get(), SHUT_WR);
  EXPECT_TRUE(closes());
}

TEST_F(StdioTest, RegularFilesAndDevNullWork) {
  const TempFolder folder;
  const std::string in_path = folder.path() / "in";
  const std::string out_path = folder.path() / "out";
  std::ofstream(in_path) << kPing << '\n' << kPing;
  const Fd in(::open(in_path.c_str(), O_RDONLY | O_CLOEXEC));
  const Fd out(::open(out_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  serve(in.get(), out.get());
  EXPECT_TRUE(closes());
  std::ifstream file(out_path);
  const std::string all((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(all, kPong + "\n" + kPong + "\n");
}

TEST_F(StdioTest, DevNullAsInputIsAnEmptyConversation) {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  serve(null.get(), null.get());
  EXPECT_TRUE(closes());
}

TEST_F(StdioTest, FlagsOfThePipesAreAsBefore) {
  auto [in_read, in_write] = makePipe();
  auto [out_read, out_write] = makePipe();
  const int before = ::fcntl(out_write.get(), F_GETFL);
  serve(in_read.get(), out_write.get());
  writeAll(in_write.get(), kPing + "\n");
  Lines out(out_read.get());
  EXPECT_EQ(out.next(), kPong);
  EXPECT_EQ(::fcntl(in_read.get(), F_GETFL) & O_NONBLOCK, 0) << "input is never touched";
  in_write.reset();
  EXPECT_TRUE(closes());
  EXPECT_EQ(::fcntl(out_write.get(), F_GETFL), before);
}

TEST_F(StdioTest, ALineAboveTheBoundIsRefusedByNameAndTheNextIsServed) {
  serveSocket({.line_bytes_max = 1000});
  send(std::string(5000, 'x') + "\n" + kPing + "\n");
  const Json refusal = Json::parse(lines->next());
  EXPECT_FALSE(refusal.contains("id"));
  EXPECT_EQ(refusal["error"]["code"], -32600);
  EXPECT_EQ(refusal["error"]["data"]["name"], "line_bytes_max");
  EXPECT_EQ(lines->next(), kPong);
}

TEST_F(StdioTest, AHundredMegabytesInOneLineCostOneError) {
  serveSocket();
  const std::string block(1024 * 1024, 'x');
  send(R"({"jsonrpc":"2.0","id":1,"method":")");
  for (int i = 0; i < 100; ++i) send(block);
  send("\"}\n" + kPing + "\n");
  EXPECT_EQ(Json::parse(lines->next())["error"]["data"]["name"], "line_bytes_max");
  EXPECT_EQ(lines->next(), kPong);
}

TEST_F(StdioTest, DeepJsonAndBrokenUtf8AreParseErrors) {
  serveSocket();
  send(std::string(10'000, '[') + "\n");
  EXPECT_EQ(Json::parse(lines->next())["error"]["data"]["name"], "json_too_deep");
  send("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xC3\x28\"}\n");
  EXPECT_EQ(Json::parse(lines->next())["error"]["code"], -32700);
  send(kPing + "\n");
  EXPECT_EQ(lines->next(), kPong);
}

TEST_F(StdioTest, AReaderThatDoesNotReadStopsTheReadingAndLosesNothing) {
  serveSocket({.output_bytes_max = 64 * 1024});
  const std::string call =
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"blob","arguments":{"size":60000}}})"
      "\n";
  constexpr int kCalls = 400;
  std::string all;
  for (int i = 0; i < kCalls; ++i) all += call;
  std::thread writer([&] { send(all); });
  // The client reads nothing until the server has stopped: its queue is full and its input waits.
  int answers = 0;
  while (answers < kCalls && lines->next().size() > 60000) ++answers;
  writer.join();
  EXPECT_EQ(answers, kCalls);
}

TEST_F(StdioTest, AtBacklogBytesMaxAClientIsKeptAndAboveItGivenUpWithItsCalls) {
  constexpr std::size_t kFrames = 10;
  const std::string frame(999, 'x');
  serveSocket({.backlog_bytes_max = kFrames * (frame.size() + 1)});
  send(kSlow + "\n");
  lines->next();                                // it has begun
  const auto notify = [&](std::size_t count) {  // in one turn: nothing is sent in between
    thread.run([&] {
      for (std::size_t i = 0; i < count; ++i) thread.stdio->notify(frame);
    });
  };
  notify(kFrames);
  for (std::size_t i = 0; i < kFrames; ++i) EXPECT_EQ(lines->next(), frame);
  EXPECT_EQ(thread.ask<int>([&] { return thread.held.cancelled; }), 0);
  notify(kFrames + 1);
  EXPECT_TRUE(closes());
  EXPECT_EQ(thread.ask<int>([&] { return thread.held.cancelled; }), 1);
}

TEST_F(StdioTest, AClientThatClosesItsOutputEndsTheServerAndCancels) {
  auto [in_read, in_write] = makePipe();
  auto [out_read, out_write] = makePipe();
  serve(in_read.get(), out_write.get());
  writeAll(in_write.get(), kSlow + "\n");
  Lines out(out_read.get());
  out.next();
  out_read.reset();
  writeAll(in_write.get(), R"({"jsonrpc":"2.0","id":2,"method":"ping"})"
                           "\n");
  EXPECT_TRUE(closes());
  EXPECT_EQ(thread.ask<int>([&] { return thread.held.cancelled; }), 1);
}

TEST(StdioLoopTest, NothingKeepsTheEventLoopRunningAfterTheEnd) {
  boost::asio::io_context io{1};
  Held held;
  mcp::Server server(options());
  addTools(server, held);
  Pair pair = socketPair();
  bool closed = false;
  transport::StdioOptions fds;
  fds.input_fd = fds.output_fd = pair.server.get();
  transport::StdioServer stdio(io, server, fds, [&closed] { closed = true; });
  stdio.start();
  writeAll(pair.client.get(), kPing);
  ::shutdown(pair.client.get(), SHUT_WR);
  io.run();
  EXPECT_TRUE(closed);
}

TEST_F(StdioTest, AClientThatIsGoneAltogetherIsNotWaitedFor) {
  serveSocket();
  send(kSlow + "\n");
  lines->next();
  pair.client.reset();
  EXPECT_TRUE(closes());
  EXPECT_EQ(thread.ask<int>([&] { return thread.held.cancelled; }), 1);
}

TEST_F(StdioTest, ACallThatWaitsForItsClientEndsWithTheInput) {
  thread.run([&] { addMoreTools(thread.server); });
  serveSocket();
  send(hello("2025-11-25").dump() + "\n" + legacyCall(1, "ask").dump() + "\n");
  lines->next();
  EXPECT_EQ(Json::parse(lines->next())["method"], "elicitation/create");
  ::shutdown(pair.client.get(), SHUT_WR);
  EXPECT_EQ(Json::parse(lines->next())["result"]["isError"], true);
  EXPECT_TRUE(closes());
}

TEST_F(StdioTest, AnswersOfManyPipelinedCallsComeInOrder) {
  serveSocket();
  std::string all;
  for (int i = 0; i < 1000; ++i)
    all += R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"method":"ping"})" + "\n";
  std::thread writer([&] { send(all); });
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(lines->next(), R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"result":{}})");
  writer.join();
}

TEST_F(StdioTest, FirstAnswersOfABlockDoNotWaitForItsLast) {
  std::promise<void> read;
  thread.run([&] {
    const auto gate = [&read](const std::shared_ptr<mcp::ToolCall>& call) {
      const bool ok =
          read.get_future().wait_for(std::chrono::minutes(1)) == std::future_status::ready;
      call->finish(mcp::ToolOutput{Json{{"ok", ok}}, ""});
    };
    const auto added = thread.server.addTool(
        {"gate", "", "Ends when the test lets it.", R"({"type":"object"})", "", {}}, gate);
    EXPECT_TRUE(added.ok());
  });
  serveSocket();
  const auto call = [](const std::string& rest) {
    return R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":)" + rest + "}}\n";
  };
  send(call(R"("blob","arguments":{"size":5000})") + call(R"("gate")"));
  EXPECT_GT(lines->next().size(), 5000U);
  read.set_value();
  EXPECT_NE(lines->next().find(R"({"ok":true})"), std::string::npos);
}

TEST_F(StdioTest, TheAgentIdOfTheProcessReachesTheTool) {
  serveSocket({.agent_session_id = "ses_abc"});
  send(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}})"
       "\n");
  EXPECT_EQ(Json::parse(lines->next())["result"]["structuredContent"]["agent_session_id"],
            "ses_abc");
}

TEST_F(StdioTest, DestroyingTheServerCancelsWhatIsInFlight) {
  serveSocket();
  send(kSlow + "\n");
  lines->next();
  thread.run([&] { thread.stdio.reset(); });
  EXPECT_EQ(thread.ask<int>([&] { return thread.held.cancelled; }), 1);
}

}  // namespace
}  // namespace tutti::fixture
