// The engine with a store and files of its own, and a queue for the I/O thread.
#include "server/routing/router.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/routing/posted.hpp"
#include "tests/routing/store_support.hpp"
#include "tests/routing/vectors_support.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::routing {
namespace {

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    writeAgent("gardener", "Plants trees and waters roses");
    writeAgent("cook", "Bakes bread and cooks soup");
    store_ = std::move(store::Store::open(folder_.path() / "data", routingTables())).value();
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
  /// Why the vectors of a server do not count, once those that do have come.
  std::string whyNoVectors(MadeUpServer& server, std::size_t texts_max) {
    Router routing({.store = *store_,
                    .catalog = *catalog_,
                    .post = [this](std::function<void()> work) { posted_.post(std::move(work)); },
                    .program_check = [](const agents::Blueprint&) { return std::string(); },
                    .rules = {.folders = {}, .packs = {}, .embedded = false},
                    .vectors = server.source(),
                    .after = [](std::int64_t, auto) { return std::shared_ptr<void>(); },
                    .texts_max = texts_max});
    std::string why = "embeddings_learning";
    const bool ended = posted_.runUntil([&, asked = false]() mutable {
      if (asked) return why.find("embeddings_learning") == std::string::npos;
      asked = true;
      routing.route({.request = "water roses", .context = {}, .candidates = {}, .constraints = {}},
                    [&](const Result<Decider::Answer>& got) {
                      asked = false;
                      if (!got.ok()) return;
                      why = json::dump((*got).decision->answer["embeddings"]);
                    });
      return why.find("embeddings_learning") == std::string::npos;
    });
    EXPECT_TRUE(ended) << why;
    return why;
  }
  std::string chosen(Router& router, const std::string& request) {
    std::optional<Result<Decider::Answer>> answer;
    router.route({.request = request, .context = {}, .candidates = {}, .constraints = {}},
                 [&](Result<Decider::Answer> got) { answer.emplace(std::move(got)); });
    EXPECT_TRUE(posted_.runUntil([&] { return answer.has_value(); }));
    if (!answer || !answer->ok()) return "no answer";
    return (**answer).decision->agent;
  }

  fixture::TempFolder folder_;
  Posted posted_;
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

TEST_F(RouterTest, MoreTextsThanHaveVectorsIsOurBoundAndNotTheServersFault) {
  MadeUpServer server;
  const std::string why = whyNoVectors(server, 1);
  EXPECT_NE(why.find("embeddings_too_many_texts"), std::string::npos) << why;
  EXPECT_NE(why.find("learnt from 2 texts, and vectors of 1"), std::string::npos) << why;
}

}  // namespace
}  // namespace tutti::routing
