// Runs the official JSON-Schema-Test-Suite: everything it requires of both drafts, and the optional
// parts that are named here. A machine without the suite fails this test: skipping would hide it.
#include "tests/json/suite.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

namespace tutti::json {
namespace {
namespace fs = std::filesystem;
using testing::Exclusions;
using testing::Tally;

struct DraftFolder {
  Draft draft;
  const char* name;
};
constexpr DraftFolder kDrafts[] = {{Draft::k7, "draft7"}, {Draft::k2020_12, "draft2020-12"}};

class SuiteTest : public ::testing::TestWithParam<DraftFolder> {
 protected:
  void SetUp() override {
    root_ = testing::suiteRoot();
    ASSERT_FALSE(root_.empty())
        << "no JSON-Schema-Test-Suite with draft2020-12: install Debian's "
           "libtest-json-schema-acceptance-perl, or set TUTTI_SCHEMA_SUITE to a checkout";
    remotes_ = std::make_unique<testing::Remotes>(root_);
    ASSERT_GT(remotes_->size(), 0U);
    options_.default_draft = GetParam().draft;
    options_.lookup = [this](std::string_view uri) { return remotes_->find(uri); };
    folder_ = root_ / "tests" / GetParam().name;
  }

  /// Every .json directly in `folder`, sorted.
  std::vector<fs::path> files(const fs::path& folder) const {
    std::vector<fs::path> found;
    if (fs::is_directory(folder))
      for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".json") found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }

  void run(const std::vector<fs::path>& paths, const Exclusions& exclusions) {
    for (const fs::path& path : paths)
      testing::runFile(path, path.lexically_relative(folder_).string(), options_, exclusions,
                       tally_);
    for (const std::string& failure : tally_.failures) ADD_FAILURE() << failure;
    std::cout << GetParam().name << ": " << tally_.cases << " cases of " << tally_.files
              << " files ran, " << tally_.excluded << " left out" << std::endl;
    for (const auto& [what, reason] : exclusions)
      std::cout << "  left out: " << what << " (" << reason << ")" << std::endl;
  }

  fs::path root_;
  fs::path folder_;
  std::unique_ptr<testing::Remotes> remotes_;
  SchemaOptions options_;
  Tally tally_;
};

TEST_P(SuiteTest, EverythingRequired) {
  options_.assert_formats = false;  // the required part wants formats as annotations
  run(files(folder_), {});
  EXPECT_GT(tally_.cases, 800U);
}

TEST_P(SuiteTest, OptionalFormats) {
  const Exclusions exclusions = {{"optional/format/idn-hostname.json",
                                  "needs Unicode's bidirectional tables; annotation only"}};
  run(files(folder_ / "optional/format"), exclusions);
  EXPECT_GT(tally_.cases, 350U);
}

TEST_P(SuiteTest, OptionalKeywords) {
  const Exclusions exclusions = {
      {"optional/cross-draft.json", "refers to drafts 2019-09 and older"},
      {"optional/content.json", "content keywords are annotations"}};
  run(files(folder_ / "optional"), exclusions);
  EXPECT_GT(tally_.cases, 80U);
}

INSTANTIATE_TEST_SUITE_P(Drafts, SuiteTest, ::testing::ValuesIn(kDrafts), [](const auto& draft) {
  return draft.param.draft == Draft::k7 ? std::string("Draft7") : std::string("Draft2020");
});

}  // namespace
}  // namespace tutti::json
