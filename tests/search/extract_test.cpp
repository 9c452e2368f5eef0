#include "server/search/extract.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fstream>

#include "server/base/text.hpp"
#include "server/search/chunks.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::search {
namespace {

std::string textOf(Kind kind, std::string_view source) {
  const Result<Extracted> extracted = extract(kind, source);
  return extracted.ok() ? extracted->content.text() : std::string(extracted.error().name());
}

/// The character offset in the source of the first `word` in the text.
std::size_t sourceOf(Kind kind, std::string_view source, std::string_view word) {
  const Result<Extracted> extracted = extract(kind, source);
  const std::size_t at = extracted->content.text().find(word);
  return MappedText::Cursor(extracted->content).sourceOffset(at);
}

TEST(ExtractTest, HtmlIsWhatABrowserShows) {
  EXPECT_EQ(
      textOf(Kind::Html,
             "<!DOCTYPE html><title>T</title><style>p{}</style><p>a <b>bold</b> c&amp;d "
             "&#233;&#x20ac; 1 < 2</p><!-- no --><script>if (a</b>) x()</script><p x=\">\">e"),
      "T\na bold c&d é€ 1 < 2\ne");
  EXPECT_EQ(textOf(Kind::Html, "<script>never closed"), "");
  EXPECT_EQ(textOf(Kind::Html, "a<br>b &unknown; &#xd800; <"), "a\nb &unknown; \xef\xbf\xbd <");
}

TEST(ExtractTest, HtmlTextKnowsWhereItCameFrom) {
  const std::string source = "<p>ä&amp;ö</p><script>x</script>\n<h2>Titel €</h2>Ende";
  EXPECT_EQ(sourceOf(Kind::Html, source, "ö"), 9U);
  EXPECT_EQ(sourceOf(Kind::Html, source, "Ende"), characterCount(source) - 4);
  const Result<Extracted> extracted = extract(Kind::Html, source);
  ASSERT_EQ(extracted->headings.size(), 1U);
  EXPECT_EQ(extracted->headings[0].title, "Titel €");
}

TEST(ExtractTest, JsonEscapesAreWhatTheyStandFor) {
  EXPECT_EQ(textOf(Kind::Json, R"({"k":"a\nb \u00e9\ud83d\ude00\"q\" \ud800 \u12"})"),
            "{\"k\":\"a\nb é😀\"q\" \xef\xbf\xbd  12\"}");
  EXPECT_EQ(sourceOf(Kind::Json, R"({"ä":"x\ny"})", "y"), 9U);
  EXPECT_EQ(textOf(Kind::Json, "\"\\"), "\" ");
}

TEST(ExtractTest, MarkdownHeadingsAreFoundOutsideOfCode) {
  const Result<Extracted> extracted =
      extract(Kind::Markdown, "# One #\ntext\n```\n# no\n```\nTwo\n===\n#hash\n### Three\n");
  ASSERT_EQ(extracted->headings.size(), 3U);
  EXPECT_EQ(extracted->headings[0].title, "One");
  EXPECT_EQ(extracted->headings[1].title, "Two");
  EXPECT_EQ(extracted->headings[2].title, "Three");
}

TEST(ExtractTest, WhatIsNoTextIsNamed) {
  EXPECT_EQ(textOf(Kind::Plain, std::string_view("a\0b", 3)), "not_text");
  EXPECT_EQ(textOf(Kind::Html, "\xff\xfe"), "not_text");
  ExtractLimits limits;
  limits.source_bytes_max = 3;
  EXPECT_EQ(extract(Kind::Plain, "abcd", limits).error().name(), "content_too_large");
}

TEST(ExtractTest, TypesAreToldByContentTypeAndThenByName) {
  EXPECT_EQ(kindOf("text/html; charset=utf-8", "x.md"), Kind::Html);
  EXPECT_EQ(kindOf("text/plain", "x.MD"), Kind::Markdown);
  EXPECT_EQ(kindOf("application/octet-stream", "a.pdf"), Kind::Pdf);
  EXPECT_EQ(kindOf("", "main.cpp"), Kind::Source);
  EXPECT_EQ(kindOf("application/ld+json", "x"), Kind::Json);
  EXPECT_EQ(kindOf("", "README"), Kind::Plain);
}

// --- PDF ---

std::string smallPdf(const std::string& words) {
  const std::string stream = "BT /F1 24 Tf 72 700 Td (" + words + ") Tj ET";
  return "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
         "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
         "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources"
         "<</Font<</F1 5 0 R>>>>>>endobj\n"
         "4 0 obj<</Length " +
         std::to_string(stream.size()) + ">>stream\n" + stream +
         "\nendstream endobj\n5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
         "trailer<</Root 1 0 R>>\n%%EOF\n";
}

/// A pdftotext of the test's own.
class PdfReaderTest : public testing::Test {
 protected:
  void program(const std::string& script) {
    const std::filesystem::path path = folder_.path() / "pdftotext";
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    limits_.pdftotext = path.string();
  }
  std::string errorName(std::string_view pdf = "%PDF") {
    const Result<Extracted> extracted = extract(Kind::Pdf, pdf, limits_);
    return extracted.ok() ? "" : std::string(extracted.error().name());
  }
  fixture::TempFolder folder_;
  ExtractLimits limits_;
};

TEST_F(PdfReaderTest, TextComesOutOfARealPdf) {
  if (std::system("command -v pdftotext > /dev/null") != 0) GTEST_SKIP() << "no poppler here";
  const Result<Extracted> extracted = extract(Kind::Pdf, smallPdf("Durable writers"), limits_);
  ASSERT_TRUE(extracted.ok()) << extracted.error().text();
  EXPECT_NE(extracted->content.text().find("Durable writers"), std::string::npos);
  EXPECT_EQ(errorName("%PDF-1.4 nothing of the kind"), "pdf_unreadable");
}
TEST_F(PdfReaderTest, WithoutPopplerThereIsANamedReason) {
  limits_.pdftotext = "/nowhere/pdftotext";
  EXPECT_EQ(errorName(), "pdftotext_missing");
  limits_.pdftotext = "no-such-pdftotext";
  EXPECT_EQ(errorName(), "pdftotext_missing");
}
TEST_F(PdfReaderTest, OneThatHangsIsKilledWithAllItStarted) {
  program("echo text; sleep 1000 & wait");
  limits_.pdf_time_max = std::chrono::milliseconds(200);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(errorName(), "pdf_time");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(100));
}
TEST_F(PdfReaderTest, OneThatHangsAfterItsLastWordIsKilledToo) {
  program("echo text; exec >&-; exec sleep 1000");
  limits_.pdf_time_max = std::chrono::milliseconds(200);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(errorName(), "pdf_time");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(100));
}
/// Makes the kernel answer as one that is older than pidfd_open.
bool forbidPidfdOpen() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{sizeof code / sizeof code[0], code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0 &&
         ::syscall(SYS_pidfd_open, ::getpid(), 0) == -1 && errno == ENOSYS;
}

TEST_F(PdfReaderTest, AKernelWithoutPidfdsReadsPdfsAndKeepsTheTimeLimit) {
  program(
      "read which; case $which in late) echo late; exec >&-; sleep 0.1;;"
      " hangs) exec >&-; exec sleep 1000;; *) echo text;; esac");
  limits_.pdf_time_max = std::chrono::minutes(1);
  // In a process of its own, which a filter never leaves again.
  EXPECT_EXIT(
      {
        const bool forbidden = forbidPidfdOpen();
        const auto text = extract(Kind::Pdf, "now\n", limits_);
        const auto late = extract(Kind::Pdf, "late\n", limits_);
        const bool read = text.ok() && text->content.text() == "text\n" && late.ok() &&
                          late->content.text() == "late\n";
        limits_.pdf_time_max = std::chrono::milliseconds(200);
        const bool ended = errorName("hangs\n") == "pdf_time";
        std::_Exit(!forbidden ? 1 : !read ? 2 : !ended ? 3 : 0);
      },
      testing::ExitedWithCode(0), "");
}
TEST_F(PdfReaderTest, EndlessOutputIsCut) {
  program("exec yes");
  limits_.text_bytes_max = 100'000;
  EXPECT_EQ(errorName(), "pdf_text_too_large");
}
TEST_F(PdfReaderTest, MemoryIsBounded) {
  program("ulimit -v; kill -ABRT $$");
  limits_.pdf_memory_bytes_max = 300U * 1024 * 1024;
  EXPECT_EQ(errorName(), "pdf_memory");
  program("ulimit -v");
  EXPECT_EQ(extract(Kind::Pdf, "%PDF", limits_)->content.text(), "307200\n");
}
TEST_F(PdfReaderTest, AHugePdfIsNotEvenRead) {
  program("echo read");
  EXPECT_EQ(errorName(std::string(limits_.pdf_bytes_max + 1, ' ')), "content_too_large");
}
TEST_F(PdfReaderTest, ItGetsTheWholePdfAndNoSecrets) {
  ::setenv("TUTTI_TEST_SECRET", "hidden", 1);
  program("wc -c < \"$4\"; env");
  const Result<Extracted> extracted = extract(Kind::Pdf, std::string(200'000, 'x'), limits_);
  ASSERT_TRUE(extracted.ok()) << extracted.error().text();
  EXPECT_TRUE(extracted->content.text().starts_with("200000"));
  EXPECT_EQ(extracted->content.text().find("hidden"), std::string::npos);
}

// --- chunks ---

/// Characters [offset, offset + limit) of `text`.
std::string characters(const std::string& text, std::size_t offset, std::size_t limit) {
  std::size_t begin = 0;
  for (; offset > 0; --offset) begin = characterBegin(text, begin + 1);
  std::size_t end = begin;
  for (; limit > 0; --limit) end = characterBegin(text, end + 1);
  return text.substr(begin, end - begin);
}

TEST(ChunksTest, SectionsCoverTheTextAndOffsetsCountCharacters) {
  unsigned seed = 3;
  const auto random = [&seed](unsigned below) {
    seed = seed * 1103515245U + 12345U;
    return (seed >> 16U) % below;
  };
  const std::vector<std::string> words = {"wort",  " ",  "\n",        "\n\n",
                                          "größe", "😀", "# Titel\n", "  "};
  for (int round = 0; round < 60; ++round) {
    std::string text;
    const unsigned count = random(3000);
    for (unsigned i = 0; i < count; ++i) text += words[random(8)];
    const Kind kind = std::vector{Kind::Plain, Kind::Markdown, Kind::Source, Kind::Rows}[random(4)];
    ChunkLimits limits;
    limits.part_bytes_max = 5000;
    const Result<Extracted> extracted = extract(kind, text);
    std::size_t covered = 0;
    for (const Part& part : makeParts(*extracted, limits)) {
      EXPECT_LE(part.text.size(), limits.part_bytes_max + 4);
      for (const Chunk& chunk : part.chunks) {
        ASSERT_LE(chunk.text_bytes, limits.chunk_bytes_max + 4);
        const std::string piece = part.text.substr(chunk.text_at, chunk.text_bytes);
        ASSERT_TRUE(isValidUtf8(piece));
        ASSERT_EQ(characters(text, chunk.source_offset, chunk.source_limit), piece);
        ASSERT_LE(chunk.source_offset, covered);
        covered = chunk.source_offset + chunk.source_limit;
      }
    }
    if (count > 10) {
      EXPECT_EQ(covered, characterCount(text));
    }
  }
}

TEST(ChunksTest, ATextWithoutAnyBreakIsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "é";
  const std::vector<Part> parts = makeParts(*extract(Kind::Plain, text));
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_GT(parts[0].chunks.size(), 3U);
  for (const Chunk& chunk : parts[0].chunks)
    EXPECT_TRUE(isValidUtf8(parts[0].text.substr(chunk.text_at, chunk.text_bytes)));
}

TEST(ChunksTest, HeadingsBeginSections) {
  std::string text;
  for (int i = 0; i < 5; ++i)
    text += "# Part " + std::to_string(i) + "\n\n" + std::string(300, 'x') + " end\n\n";
  const std::vector<Part> parts = makeParts(*extract(Kind::Markdown, text));
  ASSERT_EQ(parts.size(), 1U);
  ASSERT_EQ(parts[0].chunks.size(), 5U);
  for (const Chunk& chunk : parts[0].chunks)
    EXPECT_EQ(parts[0].text.substr(chunk.text_at, 7), "# Part ");
}

TEST(ChunksTest, NothingButBlanksHasNoParts) {
  EXPECT_TRUE(makeParts(*extract(Kind::Plain, " \n -- \n")).empty());
}

}  // namespace
}  // namespace tutti::search
