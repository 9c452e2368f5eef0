#include "server/rest/multipart.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tutti::rest {
namespace {

/// Writes down what it is told, one line a part.
class Notes : public PartSink {
 public:
  Status partBegins(PartHead head) override {
    text += head.name;
    if (head.filename) text += "(" + *head.filename + ")";
    if (!head.content_type.empty()) text += "[" + head.content_type + "]";
    text += '=';
    return ok();
  }
  Status partData(std::string_view data) override {
    largest_bytes = std::max(largest_bytes, data.size());
    text += data;
    return refuses_data ? Status(Error(Code::ResourceExhausted, "full")) : ok();
  }
  Status partEnds() override {
    text += ';';
    return ok();
  }
  std::string text;
  std::size_t largest_bytes = 0;
  bool refuses_data = false;
};

struct Outcome {
  std::string text;
  std::string error;
};

/// Reads `body` in pieces of `piece` bytes.
Outcome read(const std::string& body, std::size_t piece, MultipartLimits limits = {}) {
  Notes notes;
  MultipartReader reader("XX", notes, limits);
  Status status = ok();
  for (std::size_t at = 0; at < body.size() && status.ok(); at += piece)
    status = reader.append(std::string_view(body).substr(at, piece));
  if (status.ok()) status = reader.finish();
  return {notes.text, status.ok() ? "" : status.error().message()};
}

const std::string kForm =
    "--XX\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\na, b\r\n"
    "--XX\r\ncontent-disposition:form-data;name=file; filename=\"a \\\"b\\\".md\"\r\n"
    "Content-Type: text/markdown; charset=utf-8\r\n\r\n"
    "one\r\n--XY\r\n\r\n--X\r\r\n-\r\n--XX--\r\n";
const std::string kFormRead =
    "tags=a, b;file(a \"b\".md)[text/markdown; charset=utf-8]=one\r\n--XY\r\n\r\n--X\r\r\n-;";

TEST(MultipartTest, PartsAreTheSameInPiecesOfAnySize) {
  for (std::size_t piece = 1; piece <= kForm.size(); ++piece) {
    const Outcome outcome = read(kForm, piece);
    EXPECT_EQ(outcome.text, kFormRead) << piece;
    EXPECT_EQ(outcome.error, "") << piece;
  }
}

TEST(MultipartTest, ContentLikeABoundaryIsReadRightHoweverItIsCut) {
  std::mt19937 random(7);
  for (int round = 0; round < 400; ++round) {
    std::string content;
    for (int size = static_cast<int>(random() % 40); size > 0; --size)
      content += std::string_view("\r\n-X")[random() % 4];
    if (("\r\n" + content + "\r\n").find("\r\n--XX") != std::string::npos) continue;
    const std::string body =
        "--XX\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n" + content + "\r\n--XX--";
    const Outcome outcome = read(body, 1 + random() % 9);
    EXPECT_EQ(outcome.text, "f=" + content + ";");
    EXPECT_EQ(outcome.error, "");
  }
}

TEST(MultipartTest, EmptyPartsMayHaveOneLineEndOrTwo) {
  const std::string head = "--XX\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n";
  for (const std::string& body : {head + "\r\n--XX--", head + "--XX--"})
    for (std::size_t piece = 1; piece < 12; ++piece) {
      EXPECT_EQ(read(body, piece).text, "f=;");
      EXPECT_EQ(read(body, piece).error, "");
    }
}

TEST(MultipartTest, PreambleAndEpilogueAreIgnored) {
  EXPECT_EQ(read("hello\r\n" + kForm + "bye\r\n--XX\r\n", 5).text, kFormRead);
}

TEST(MultipartTest, ExtendedNamesAreDecoded) {
  const auto named = [](const std::string& parameters) {
    return read("--XX\r\nContent-Disposition: form-data; name=f; " + parameters +
                    "\r\n\r\n\r\n--XX--",
                3)
        .text;
  };
  EXPECT_EQ(named("filename=x; filename*=UTF-8''na%C3%AFve.txt"), "f(naïve.txt)=;");
  EXPECT_EQ(named("filename=x; filename*=latin1''na%EFve.txt"), "f(x)=;");
  EXPECT_EQ(named("filename=\"\""), "f()=;");
  EXPECT_EQ(named("filename=\"C:\\dir\\a.md\""), "f(C:\\dir\\a.md)=;");
}

TEST(MultipartTest, WhatIsCutOffIsAnError) {
  for (std::size_t size = 0; size + 2 < kForm.size(); ++size)
    EXPECT_EQ(read(kForm.substr(0, size), 16).error, "the body ends before its last boundary")
        << size;
}

TEST(MultipartTest, WhatIsNotMultipartIsRefusedByName) {
  EXPECT_EQ(read("--XX\r\nContent-Type: text/plain\r\n\r\nx\r\n--XX--", 4).error,
            "a part has no Content-Disposition");
  EXPECT_EQ(read("--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--", 4).error,
            "The Content-Disposition header field \"name\" must be provided.");
  EXPECT_EQ(read("--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--XX--", 4).error,
            "a part's Content-Disposition is not form-data");
  EXPECT_EQ(read("--XX\r\nnonsense\r\n\r\nx\r\n--XX--", 4).error,
            "a line of a part's head has no name");
  EXPECT_EQ(read("--XX?!", 4).error, "a boundary is followed by neither a line's end nor '--'");
  EXPECT_EQ(read("--XX\r\n\r\nx\r\n--XX--", 4).error, "a part has no Content-Disposition");
}

TEST(MultipartTest, LimitsHoldAndAreNamed) {
  MultipartLimits limits;
  limits.part_head_bytes_max = 64;
  limits.parts_max = 2;
  limits.preamble_bytes_max = 10;
  EXPECT_EQ(read("--XX\r\nContent-Disposition: " + std::string(100, 'x'), 7, limits).error,
            "a part's head is longer than 64 bytes");
  EXPECT_EQ(read(std::string(100, 'x'), 7, limits).error, "there is no boundary");
  std::string three;
  for (int part = 0; part < 3; ++part)
    three += "--XX\r\nContent-Disposition: form-data; name=f\r\n\r\nx\r\n";
  EXPECT_EQ(read(three + "--XX--", 7, limits).error, "the body has more than 2 parts");
}

TEST(MultipartTest, TheSinksRefusalEndsTheReading) {
  Notes notes;
  notes.refuses_data = true;
  MultipartReader reader("XX", notes);
  const Status status = reader.append(kForm);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "full");
  EXPECT_EQ(notes.text, "tags=a, b");
}

TEST(MultipartTest, NothingOfAPartsContentIsKeptBack) {
  Notes notes;
  MultipartReader reader("XX", notes);
  ASSERT_TRUE(reader.append("--XX\r\nContent-Disposition: form-data; name=f\r\n\r\n").ok());
  ASSERT_TRUE(reader.append(std::string(100'000, 'y')).ok());
  EXPECT_EQ(notes.text.size(), 2 + 100'000U);
}

TEST(MultipartTest, BoundariesAreFoundAndChecked) {
  EXPECT_EQ(*multipartBoundary("multipart/form-data; boundary=XX"), "XX");
  EXPECT_EQ(*multipartBoundary("Multipart/Form-Data; charset=x; boundary=\"a b:c\""), "a b:c");
  EXPECT_EQ(multipartBoundary("multipart/form-data").error().message(),
            "Missing boundary in multipart.");
  EXPECT_EQ(multipartBoundary("text/plain; boundary=XX").error().message(),
            "the Content-Type is not multipart/form-data");
  EXPECT_FALSE(multipartBoundary("multipart/form-data; boundary=" + std::string(71, 'x')).ok());
  EXPECT_FALSE(multipartBoundary("multipart/form-data; boundary=\"\"").ok());
}

}  // namespace
}  // namespace tutti::rest
