// The engine with a store and files of its own, and a queue for the I/O thread.
#include "server/routing/router.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>

#include "server/agents/migrations.hpp"
#include "server/routing/migrations.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::routing {
namespace {

/// What other threads post runs on the test's.
class PostedWork {
 public:
  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    works_.push_back(std::move(work));
    came_.notify_one();
  }
  void runOne() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(came_.wait_for(lock, std::chrono::seconds(60), [&] { return !works_.empty(); }));
    auto work = std::move(works_.front());
    works_.pop_front();
    lock.unlock();
    work();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::function<void()>> works_;
};

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    writeAgent("gardener", "Plants trees and waters roses");
    writeAgent("cook", "Bakes bread and cooks soup");
    std::vector<store::Migration> all = agents::migrations();
    for (const store::Migration& one : migrations()) all.push_back(one);
    store_ = std::move(store::Store::open(folder_.path() / "data", all)).value();
    catalog_ = std::make_unique<agents::BlueprintCatalog>(agents::BlueprintCatalog::Options{
        .folders = {folder_.path()}, .claude_folders = {}, .embedded = false, .packs = {}});
  }
  void writeAgent(const std::string& name, const std::string& description) const {
    const auto place = folder_.path() / "agents" / name;
    std::filesystem::create_directories(place);
    std::ofstream(place / "agent.json")
        << R"({"name": ")" << name << R"(", "description": ")" << description << R"("})";
  }
  std::unique_ptr<Router> router(std::function<void()> learning_begins) {
    return std::make_unique<Router>(
        Router::Parts{.store = *store_,
                      .catalog = *catalog_,
                      .post = [this](std::function<void()> work) { posted_.post(std::move(work)); },
                      .program_check = [](const agents::Blueprint&) { return std::string(); },
                      .rules = {.folders = {}, .packs = {}, .embedded = false},
                      .learning_begins = std::move(learning_begins)});
  }
  std::string chosen(Router& router, const std::string& request) {
    std::optional<Result<Decider::Answer>> answer;
    router.route({.request = request, .context = {}, .candidates = {}, .constraints = {}},
                 [&](Result<Decider::Answer> got) { answer.emplace(std::move(got)); });
    while (!answer && !HasFatalFailure()) posted_.runOne();
    if (!answer || !answer->ok()) return "no answer";
    return (**answer).decision->agent;
  }

  fixture::TempFolder folder_;
  PostedWork posted_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<agents::BlueprintCatalog> catalog_;
};

TEST_F(RouterTest, WhatCannotBeLearntLeavesWhatWasKnownUntilSomethingChanges) {
  int learnings = 0;
  bool fails = false;
  const auto routing = router([&] {
    ++learnings;
    if (fails) throw std::runtime_error("no memory left");
  });
  EXPECT_EQ(chosen(*routing, "water the roses"), "gardener");
  ASSERT_EQ(learnings, 1);

  fails = true;
  writeAgent("driver", "Drives people to the station");
  while (learnings < 2) EXPECT_EQ(chosen(*routing, "water the roses"), "gardener");
  EXPECT_EQ(chosen(*routing, "bake bread and cook soup"), "cook");
  EXPECT_EQ(learnings, 2);

  fails = false;
  writeAgent("painter", "Paints pictures of ships and harbours");
  while (learnings < 3) chosen(*routing, "paint pictures of ships");
  EXPECT_EQ(chosen(*routing, "paint pictures of ships"), "painter");
}

}  // namespace
}  // namespace tutti::routing
