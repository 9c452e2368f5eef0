// What a DirectWriter leaves in its file, on disks that take its writes and in memory that does
// not.
#include "server/documents/direct_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "server/base/fd.hpp"
#include "tests/read_file.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::documents {
namespace {
using fixture::TempFolder;

constexpr std::size_t kBuffer = DirectWriter::kBufferBytes;

/// Bytes that say where they belong.
std::string counted(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<char>((i * 2654435761U) >> 13 & 0xff);
  return bytes;
}

/// The file that comes of `bytes` in pieces of `piece_size`, the first `begin` of them written
/// before.
std::string throughWriter(const std::filesystem::path& path, const std::string& bytes,
                          std::size_t begin, std::size_t piece_size) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  EXPECT_EQ(::write(file.get(), bytes.data(), begin), static_cast<ssize_t>(begin));
  auto writer = DirectWriter::begin(file.get(), path, static_cast<std::int64_t>(begin));
  if (!writer) return "no writer";
  for (std::size_t at = begin; at < bytes.size(); at += piece_size) {
    const Status added = writer->add(std::string_view(bytes).substr(at, piece_size));
    EXPECT_TRUE(added.ok()) << added.error().text();
  }
  const Status finished = writer->finish();
  EXPECT_TRUE(finished.ok()) << finished.error().text();
  EXPECT_EQ(::fcntl(file.get(), F_GETFL) & O_DIRECT, 0) << "others write to it as they like";
  return fixture::readAll(path);
}

TEST(DirectWriterTest, TheFileHasAllBytesInOrderHoweverTheyCome) {
  const TempFolder folder;
  for (const std::size_t size : {std::size_t{4096}, std::size_t{4097}, kBuffer + 4095,
                                 kBuffer + 4096, 2 * kBuffer + 4096, 5 * kBuffer + 12'345})
    for (const std::size_t piece : {std::size_t{300'001}, kBuffer, 3 * kBuffer + 17}) {
      const std::string bytes = counted(size);
      EXPECT_TRUE(throughWriter(folder.path() / "file", bytes, 4096, piece) == bytes)
          << size << " in pieces of " << piece;
    }
}

TEST(DirectWriterTest, AFileInMemoryIsWrittenAllTheSame) {
  if (::access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "there is no /dev/shm";
  const std::string name = "/dev/shm/tutti-direct-writer-" + std::to_string(::getpid());
  const std::string bytes = counted(3 * kBuffer + 5);
  EXPECT_TRUE(throughWriter(name, bytes, 0, 700'000) == bytes);
  ::unlink(name.c_str());
}

TEST(DirectWriterTest, AWriteThatFailsIsToldAtTheLatestAtTheEnd) {
  const TempFolder folder;
  const auto path = folder.path() / "file";
  const Fd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  auto writer = DirectWriter::begin(file.get(), path, 0);
  ASSERT_TRUE(writer);
  (void)writer->add(counted(3 * kBuffer));
  const Status finished = writer->finish();
  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().name(), "io_error");
  EXPECT_NE(finished.error().message().find(path.string()), std::string::npos)
      << finished.error().text();
}

TEST(DirectWriterTest, NoMoreThanItsLimitWriteAtATime) {
  const TempFolder folder;
  const Fd file(::open((folder.path() / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  std::vector<std::unique_ptr<DirectWriter>> writers;
  for (int i = 0; i < DirectWriter::kWritersMax; ++i) {
    writers.push_back(DirectWriter::begin(file.get(), "file", 0));
    EXPECT_TRUE(writers.back());
  }
  EXPECT_FALSE(DirectWriter::begin(file.get(), "file", 0));
  writers.pop_back();
  EXPECT_TRUE(DirectWriter::begin(file.get(), "file", 0)) << "what was refused does not count";
}

TEST(DirectWriterTest, OneLetGoOfWaitsForWhatIsUnderWay) {
  const TempFolder folder;
  const Fd file(::open((folder.path() / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  auto writer = DirectWriter::begin(file.get(), "file", 0);
  ASSERT_TRUE(writer);
  EXPECT_TRUE(writer->add(counted(2 * kBuffer + 100)).ok());
  writer.reset();
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "file"), 2 * kBuffer);
}

}  // namespace
}  // namespace tutti::documents
