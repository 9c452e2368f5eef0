// subscriptions/listen and header arguments over real sockets.
#include <gtest/gtest.h>

#include <vector>

#include "tests/transport/http_client.hpp"
#include "tests/transport/server_thread.hpp"

namespace tutti::fixture {
namespace {

const std::string kListenMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{}})";
const std::string kListen = R"({"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{)"
                            R"("notifications":{"toolsListChanged":true},)" +
                            kListenMeta + "}}";

std::string listenPost(const std::string& method, const std::string& body,
                       const std::string& more = "") {
  return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
         "Mcp-Method: " +
         method + "\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

class ListenTest : public testing::Test {
 protected:
  ListenTest() {
    transport::HttpOptions options;
    options.port = 0;
    thread.run([&] {
      thread.http = std::make_unique<transport::HttpServer>(thread.io, thread.server, options);
      ASSERT_TRUE(thread.http->start().ok());
      port = thread.http->port();
    });
  }
  /// Sends the request and reads up to its acknowledgement.
  std::unique_ptr<HttpClient> listen() const {
    auto client = std::make_unique<HttpClient>(port);
    client->send(listenPost("subscriptions/listen", kListen));
    client->readUntil("\r\n\r\n");
    EXPECT_NE(client->event().find("notifications/subscriptions/acknowledged"), std::string::npos);
    return client;
  }

  std::uint16_t port = 0;
  ServerThread thread;
};

TEST_F(ListenTest, EachChangeReachesEveryStreamAtOnce) {
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(listen());
  thread.run([&] { thread.server.toolsChanged(); });
  for (const auto& client : clients)
    EXPECT_NE(client->event().find("notifications/tools/list_changed"), std::string::npos);
}

TEST_F(ListenTest, ADisconnectEndsTheSubscription) {
  auto one = listen();
  auto two = listen();
  one->close();
  EXPECT_TRUE(thread.eventually([&] { return thread.server.listening() == 1; }));
  thread.run([&] { thread.server.toolsChanged(); });
  EXPECT_NE(two->event().find("list_changed"), std::string::npos);
}

TEST_F(ListenTest, DrainingAnswersEveryListenAndCloses) {
  const auto client = listen();
  std::promise<void> drained;
  thread.run([&] { thread.http->drain([&] { drained.set_value(); }); });
  const Json last = Json::parse(client->event());
  EXPECT_EQ(last["id"], 7);
  EXPECT_EQ(last["result"]["resultType"], "complete");
  EXPECT_EQ(client->event(), "") << "the stream has ended";
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

TEST_F(ListenTest, ArgumentHeadersComeThroughWhateverTheirCase) {
  thread.run([&] {
    mcp::Tool tool;
    tool.name = "region";
    tool.description = "Takes a region.";
    tool.input_schema =
        R"({"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}})";
    const auto answer = [](const std::shared_ptr<mcp::ToolCall>& call) {
      call->finish(mcp::ToolOutput{nullptr, "ok"});
    };
    ASSERT_TRUE(thread.server.addTool(std::move(tool), answer).ok());
  });
  const std::string body = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{)"
                           R"("name":"region","arguments":{"region":"eu"},)" +
                           kListenMeta + "}}";
  HttpClient client(port);
  const auto status = [&](const std::string& headers) {
    client.send(listenPost("tools/call", body, "Mcp-Name: region\r\n" + headers));
    return client.answer().status;
  };
  EXPECT_EQ(status("MCP-PARAM-REGION:  eu \r\n"), 200);
  EXPECT_EQ(status("mcp-param-region: =?base64?ZXU=?=\r\nMcp-Param-Other: 1\r\n"), 200);
  EXPECT_EQ(status(""), 400);
  EXPECT_EQ(status("Mcp-Param-Region: us\r\n"), 400);
  EXPECT_EQ(status("Mcp-Param-Region: eu\r\nMcp-Param-Region: us\r\n"), 400);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "Mcp-Param-H" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(status(many), 431);
}

}  // namespace
}  // namespace tutti::fixture
