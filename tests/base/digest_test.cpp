#include "server/base/digest.hpp"

#include <gtest/gtest.h>

namespace tutti {
namespace {

std::string hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

TEST(DigestTest, Sha256AsInFips180) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(DigestTest, HmacAsInRfc4231) {
  EXPECT_EQ(hex(hmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmacSha256(std::string(131, '\xaa'),
                           "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(DigestTest, Base64UrlAsInRfc4648WithoutPadding) {
  const std::string bytes = "\xff\xef\x00 foobar";
  EXPECT_EQ(base64Url("f"), "Zg");
  EXPECT_EQ(base64Url("fo"), "Zm8");
  EXPECT_EQ(base64Url("foo"), "Zm9v");
  EXPECT_EQ(base64Url("\xfb\xff"), "-_8");
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    EXPECT_EQ(fromBase64Url(base64Url(bytes.substr(0, size))), bytes.substr(0, size));
}

TEST(DigestTest, Base64AsInRfc4648WithPadding) {
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("\xfb\xff"), "+/8=");
  for (const std::string bytes : {"", "f", "fo", "foo", "\xfb\xff"})
    EXPECT_EQ(fromBase64(base64(bytes)), bytes);
}

TEST(DigestTest, NothingElseIsBase64) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9v\n", " Zm9v", "Zm8=Zm8=", "-_8=", "Zm9v="})
    EXPECT_EQ(fromBase64(text), std::nullopt) << text;
}

TEST(DigestTest, NothingElseIsBase64Url) {
  for (const char* text : {"Z", "Zg==", "Zh", "Zm9", "Z+8A", "Zm 9", "Zm9v\n"})
    EXPECT_EQ(fromBase64Url(text), std::nullopt) << text;
}

TEST(DigestTest, ComparingSeesEveryDifference) {
  EXPECT_TRUE(sameSecret("abc", "abc"));
  EXPECT_FALSE(sameSecret("abc", "abd"));
  EXPECT_FALSE(sameSecret("abc", "ab"));
}

TEST(DigestTest, RandomBytesDiffer) {
  EXPECT_EQ(randomBytes(32).size(), 32U);
  EXPECT_NE(randomBytes(32), randomBytes(32));
}

}  // namespace
}  // namespace tutti
