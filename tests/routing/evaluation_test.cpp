#include "server/routing/evaluation.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/temp_folder.hpp"

namespace tutti::routing {
namespace {

/// Made-up requests: each label has words of its own, and all share some.
std::vector<LabelledText> madeUp(int from, int to) {
  constexpr const char* kTopics[] = {"invoice", "guitar", "kernel", "garden", "passport"};
  constexpr const char* kFrames[] = {"please look at the ", "what about my ", "i need help with a ",
                                     "can you check the ", "there is something with this "};
  std::vector<LabelledText> texts;
  for (const char* topic : kTopics)
    for (int i = from; i < to; ++i)
      texts.push_back(
          {std::string(kFrames[i % 5]) + topic + " number " + std::string(1, 'a' + i % 20),
           std::string("topic_") + topic});
  return texts;
}

TEST(EvaluationTest, LabelsWithWordsOfTheirOwnAreToldApart) {
  const auto report = evaluate({madeUp(0, 8), {}, madeUp(8, 12)});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->texts, 20U);
  EXPECT_EQ(report->labels, 5U);
  EXPECT_EQ(report->in_scope_accuracy, 1.0);
  EXPECT_FALSE(report->oos_recall.has_value());
  EXPECT_TRUE(report->confusions.empty());
  EXPECT_GT(report->p99_us, 0.0);
  EXPECT_GE(report->p99_us, report->p50_us);
}

TEST(EvaluationTest, StrangersAreRefusedAndTheMistakesCounted) {
  EvaluationInput input;
  input.train = madeUp(0, 8);
  input.validation = madeUp(8, 16);
  for (const char* strange : {"zebra quagga okapi", "molten lava tides", "seven dwarfs sang"})
    input.validation.push_back({strange, "oos"});
  input.test = {{"unrelated giraffe stampede", "oos"},
                {"please look at the guitar", "topic_kernel"}};
  const auto report = evaluate(input);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->oos_recall, 1.0);
  EXPECT_EQ(report->in_scope_accuracy, 0.0);
  ASSERT_EQ(report->confusions.size(), 1U);
  EXPECT_EQ(report->confusions[0].expected, "topic_kernel");
  EXPECT_EQ(report->confusions[0].given, "topic_guitar");
}

TEST(EvaluationTest, CrossValidationTestsEveryTextOnce) {
  const auto report = crossValidate(madeUp(0, 10));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->texts, 50U);
  EXPECT_EQ(report->accuracy, 1.0);
  const auto alone = crossValidate({{"a", "x"}, {"b", "y"}, {"c", "y"}});
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(alone.error().message(), "label 'x' has one text, so none to test with");
}

TEST(EvaluationTest, AWrongLineIsNamedByFileAndNumber) {
  const fixture::TempFolder folder;
  const auto path = folder.path() / "wrong.jsonl";
  const auto messageFor = [&](const std::string& line) {
    std::ofstream(path) << "{\"text\": \"a\", \"label\": \"b\"}\n\n" << line << "\n";
    const auto texts = readLabelled(path);
    return texts.ok() ? std::string() : texts.error().message();
  };
  EXPECT_EQ(messageFor("{\"text\": \"a\"}"), path.string() + ":3: \"label\" is missing or empty");
  EXPECT_EQ(messageFor("[]"), path.string() + ":3: the line is not an object");
  EXPECT_EQ(messageFor("{\"label\": \"b\"}"), path.string() + ":3: \"text\" is missing");
  EXPECT_NE(messageFor("{oops").find("wrong.jsonl:3: "), std::string::npos);
  EXPECT_FALSE(readLabelled(folder.path() / "absent.jsonl").ok());
}

}  // namespace
}  // namespace tutti::routing
