#include "server/mcp/http/guard.hpp"

#include <gtest/gtest.h>

namespace tutti::mcp::http {
namespace {

bool allowed(const Guard& guard, const char* host, const char* origin) {
  HttpRequest request;
  if (host != nullptr) request.setHeader(Header::Host, host);
  if (origin != nullptr) request.setHeader(Header::Origin, origin);
  return !guard.refusal(request).has_value();
}

TEST(GuardTest, LoopbackNamesOnAnyPortAreAllowed) {
  const Guard guard({}, {});
  for (const char* host : {"localhost", "localhost:8765", "LOCALHOST:1", "127.0.0.1:80", "[::1]:80",
                           "[::1]", "127.0.0.1"})
    EXPECT_TRUE(allowed(guard, host, nullptr)) << host;
  EXPECT_TRUE(allowed(guard, "localhost:1", "http://localhost:3000"));
  EXPECT_TRUE(allowed(guard, "localhost:1", "https://[::1]:3000"));
  EXPECT_TRUE(allowed(guard, nullptr, nullptr));
}

TEST(GuardTest, ForeignNamesAreRefusedAndNamed) {
  const Guard guard({}, {});
  for (const char* host : {"evil.example.com", "evil.example.com:8765", "localhost.evil.com",
                           "127.0.0.1.evil.com", "", "1.2.3.4.5x", "[evil]"})
    EXPECT_FALSE(allowed(guard, host, nullptr)) << host;
  for (const char* origin : {"http://evil.example.com", "null", "", "file://",
                             "http://localhost.evil", "http://10.0.0.1", "localhost"})
    EXPECT_FALSE(allowed(guard, "localhost:1", origin)) << origin;
  HttpRequest request;
  request.setHeader(Header::Host, "evil.example.com");
  EXPECT_EQ(guard.refusal(request), "Host 'evil.example.com' is not allowed (see allowed_hosts)");
}

TEST(GuardTest, NumericHostsAndTheSameOriginAreAllowed) {
  const Guard guard({}, {});
  EXPECT_TRUE(allowed(guard, "192.168.1.5:8765", nullptr));
  EXPECT_TRUE(allowed(guard, "192.168.1.5:8765", "http://192.168.1.5:8765"));
  EXPECT_FALSE(allowed(guard, "192.168.1.5:8765", "http://192.168.1.5:9999"));
}

TEST(GuardTest, ConfiguredNamesAreAllowed) {
  const Guard guard({"tutti.lan", "proxy.lan:8443"}, {"https://app.example.com"});
  EXPECT_TRUE(allowed(guard, "tutti.lan:8765", nullptr));
  EXPECT_TRUE(allowed(guard, "TUTTI.lan", nullptr));
  EXPECT_TRUE(allowed(guard, "proxy.lan:8443", nullptr));
  EXPECT_FALSE(allowed(guard, "proxy.lan:1", nullptr));
  EXPECT_TRUE(allowed(guard, "localhost", "https://app.example.com"));
  EXPECT_FALSE(allowed(guard, "localhost", "http://app.example.com"));
}

}  // namespace
}  // namespace tutti::mcp::http
