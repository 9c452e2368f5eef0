// Plays the conversations of tests/wire against the fixture server.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>

#include "server/base/log.hpp"
#include "server/mcp/connection.hpp"
#include "tests/mcp/fixture_more.hpp"
#include "tests/mcp/fixture_offers.hpp"

namespace tutti::mcp {
namespace {

/// Collects what a client would read.
struct Inbox final : Exchange {
  void notify(std::string frame) override { frames.push_back(std::move(frame)); }
  void reply(std::string frame, int) override { frames.push_back(std::move(frame)); }
  void abandon() override {}
  std::deque<std::string> frames;
};

bool matches(const Json& expected, const Json& actual);

bool objectMatches(const Json& expected, const Json& actual) {
  if (!actual.is_object()) return false;
  const bool more = expected.contains("$more");
  std::size_t named = 0;
  for (const auto& [key, value] : expected.items()) {
    if (key == "$more") continue;
    ++named;
    if (!actual.contains(key) || !matches(value, actual.at(key))) return false;
  }
  return more || named == actual.size();
}

bool matches(const Json& expected, const Json& actual) {
  if (expected == Json("$any")) return true;
  if (expected.is_object()) return objectMatches(expected, actual);
  if (!expected.is_array()) return expected == actual;
  return actual.is_array() && expected.size() == actual.size() &&
         std::equal(expected.begin(), expected.end(), actual.begin(), matches);
}

class Conversation {
 public:
  Conversation() : server_(fixture::options()), inbox_(std::make_shared<Inbox>()) {
    fixture::addTools(server_, held_);
    connection_ = std::make_unique<Connection>(server_, inbox_, Connection::Client{"ses_wire"});
  }

  void play(const std::string& line) {
    const std::string rest = line.size() > 2 ? line.substr(2) : "";
    if (line.rfind("<= ", 0) == 0) return expectBytes(line.substr(3));
    switch (line[0]) {
      case '#':
        return;
      case '>':
        nothingLeft();
        return connection_->receive(rest);
      case '<':
        return expect(rest);
      case '!':
        return direct(rest);
      default:
        FAIL() << "a line starts with #, >, < or !";
    }
  }
  void nothingLeft() const {
    EXPECT_TRUE(inbox_->frames.empty()) << "not expected: " << inbox_->frames.front();
  }

 private:
  void expectBytes(const std::string& frame) {
    ASSERT_FALSE(inbox_->frames.empty()) << "no answer came";
    EXPECT_EQ(inbox_->frames.front(), frame);
    inbox_->frames.pop_front();
  }
  void expect(const std::string& text) {
    ASSERT_FALSE(inbox_->frames.empty()) << "no answer came";
    const std::string frame = inbox_->frames.front();
    inbox_->frames.pop_front();
    const Json expected = Json::parse(text, nullptr, false);
    ASSERT_FALSE(expected.is_discarded()) << "the expected frame is no JSON";
    EXPECT_TRUE(matches(expected, Json::parse(frame))) << "came: " << frame;
    EXPECT_EQ(frame.find('\n'), std::string::npos);
  }
  void direct(const std::string& command) {
    nothingLeft();
    if (command == "finish") return held_.finishOne();
    if (command == "more tools") return fixture::addMoreTools(server_);
    if (command == "offers") return fixture::addOffers(server_);
    if (command == "skill") return fixture::addSkill(server_);
    if (command == "tools changed") return server_.toolsChanged();
    if (command == "prompts changed") return server_.promptsChanged();
    if (command == "resources changed") return server_.resourcesChanged();
    if (command.rfind("updated ", 0) == 0) return server_.resourceUpdated(command.substr(8));
    if (command.rfind("remove skill ", 0) == 0) {
      EXPECT_TRUE(server_.removeSkill(command.substr(13)));
      return;
    }
    if (command.rfind("remove ", 0) == 0) return remove(command.substr(7));
    const std::string_view word = "cancelled ";
    ASSERT_EQ(command.rfind(word, 0), 0U) << "unknown command";
    EXPECT_EQ(held_.cancelled, std::stoi(command.substr(word.size())));
  }

  void remove(const std::string& name) {
    EXPECT_TRUE(server_.removeTool(name) || server_.removePrompt(name) ||
                server_.removeResource(name) || server_.removeTemplate(name));
  }

  fixture::Held held_;
  Server server_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<Connection> connection_;
};

std::vector<std::string> files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(TUTTI_SOURCE_DIR "/tests/wire"))
    if (entry.path().extension() == ".jsonl") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

class WireTest : public testing::TestWithParam<std::string> {};

TEST_P(WireTest, GoesAsWritten) {
  log::configure(log::Level::Off);
  std::ifstream file(TUTTI_SOURCE_DIR "/tests/wire/" + GetParam() + ".jsonl");
  Conversation conversation;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    SCOPED_TRACE(GetParam() + ".jsonl:" + std::to_string(number) + ": " + line);
    conversation.play(line);
    if (HasFatalFailure()) return;
  }
  conversation.nothingLeft();
}

INSTANTIATE_TEST_SUITE_P(Files, WireTest, testing::ValuesIn(files()),
                         [](const auto& param_info) { return param_info.param; });

}  // namespace
}  // namespace tutti::mcp
