// Lines, languages and open comments of single texts.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "server/cli/survey_text.hpp"

namespace tutti::cli {
namespace {

std::string_view languageName(std::string_view path, std::string_view content = "") {
  return languageOf(path, content).name;
}

std::vector<std::string> todos(std::string_view path, std::string_view text) {
  FileFacts facts;
  findTodos(text, languageOf(path, text).comments, 100, facts);
  std::vector<std::string> found;
  for (const Todo& todo : facts.todos) found.push_back(std::to_string(todo.line) + ":" + todo.text);
  return found;
}
using Found = std::vector<std::string>;

TEST(SurveyTextTest, LanguageComesFromNameExtensionOrInterpreter) {
  EXPECT_EQ(languageName("a/b.CPP"), "C++");
  EXPECT_EQ(languageName("a.tar.py"), "Python");
  EXPECT_EQ(languageName("x/CMakeLists.txt"), "CMake");
  EXPECT_EQ(languageName("Dockerfile"), "Dockerfile");
  EXPECT_EQ(languageName("Dockerfile.prod"), "Dockerfile");
  EXPECT_EQ(languageName("run", "#!/bin/bash -e\n"), "Shell");
  EXPECT_EQ(languageName("run", "#! /usr/bin/env node\n"), "JavaScript");
  EXPECT_EQ(languageName("run", "#!/usr/bin/env -S A=1 python3.11 -u"), "Python");
  EXPECT_EQ(languageName("run", "#!"), "Other");
  EXPECT_EQ(languageName("run", "#!\n"), "Other");
  EXPECT_EQ(languageName(".hidden"), "Other");
  EXPECT_EQ(languageName("noext"), "Other");
  EXPECT_EQ(languageName("trailing."), "Other");
}

TEST(SurveyTextTest, LinesAreCountedByKind) {
  const CommentStyle c = languageOf("a.c", "").comments;
  const auto counts = [&](std::string_view text) {
    const LineCounts one = countLines(text, c);
    return std::to_string(one.lines) + "/" + std::to_string(one.blank) + "/" +
           std::to_string(one.comment);
  };
  EXPECT_EQ(counts(""), "0/0/0");
  EXPECT_EQ(counts("\n"), "1/1/0");
  EXPECT_EQ(counts("a"), "1/0/0");
  EXPECT_EQ(counts("a\r\n \t\r\n//b"), "3/1/1");
  EXPECT_EQ(counts("/* one */\nx /* y */\n/*\nin\n\nout */\nx"), "7/1/4");
  EXPECT_EQ(counts("/*/\nx*/\ny"), "3/0/2");
}

TEST(SurveyTextTest, OnlyWholeWordsInCommentsAreOpenPoints) {
  EXPECT_EQ(todos("a.c", "int x; // TODO: fix  \n"), Found{"1:TODO: fix"});
  EXPECT_EQ(todos("a.c", "int TODO = 1;\nTODO_LIST(x) // TODOS, xTODO, TODO_1\n"), Found{});
  EXPECT_EQ(todos("a.c", "/*\n * FIXME(ann) this */ int XXX;\n"), Found{"2:FIXME(ann) this"});
  EXPECT_EQ(todos("a.py", "x = 'TODO'\n# HACK here, TODO there\n"),
            Found{"2:HACK here, TODO there"});
  EXPECT_EQ(todos("a.md", "TODO in prose\n<!-- TODO hidden -->\n"), Found{"2:TODO hidden"});
  EXPECT_EQ(todos("a.json", "{\"a\":\"// TODO\"}"), Found{});
  EXPECT_EQ(todos("a.sql", "select 1 -- XXX slow\n"), Found{"1:XXX slow"});
  EXPECT_EQ(todos("a.c", "// TODO"), Found{"1:TODO"});
  EXPECT_EQ(todos("a.c", "//caf\xE9 TODO \xFF\n"), Found{"1:TODO \xEF\xBF\xBD"});
}

TEST(SurveyTextTest, OnlyTheFirstAreKeptButAllAreCounted) {
  FileFacts facts;
  findTodos("// TODO 1\n// TODO 2\n// FIXME 3\n", languageOf("a.c", "").comments, 2, facts);
  EXPECT_EQ(facts.todos.size(), 2U);
  EXPECT_EQ(facts.todo_counts[0], 2);
  EXPECT_EQ(facts.todo_counts[1], 1);
}

TEST(SurveyTextTest, BinaryIsANulNearTheBeginning) {
  EXPECT_TRUE(isBinary(std::string(7999, 'a') + std::string(1, '\0')));
  EXPECT_FALSE(isBinary(std::string(8000, 'a') + std::string(1, '\0')));
  EXPECT_FALSE(isBinary(""));
}

TEST(SurveyTextTest, TextMadeOfTheWordsAloneTakesNoLongerThanOthers) {
  std::string line;
  for (int i = 0; i < 2'000'000; ++i) line += "XXX ";
  const auto start = std::chrono::steady_clock::now();
  FileFacts facts;
  findTodos(line, languageOf("a.c", "").comments, 10, facts);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took, std::chrono::seconds(20)) << "quadratic time would be hours";
}

}  // namespace
}  // namespace tutti::cli
