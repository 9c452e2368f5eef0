#include "server/transport/http_service.hpp"

#include <boost/beast/core/string.hpp>

namespace tutti::transport {
namespace {

class WholeBody final : public HttpBodySink {
 public:
  explicit WholeBody(std::function<void(std::string)> whole) : whole_(std::move(whole)) {}

  Flow data(std::string_view bytes) override {
    body_ += bytes;
    return Flow::Go;
  }
  void end() override { whole_(std::move(body_)); }
  void cut(HttpCut) override {}

 private:
  std::string body_;
  std::function<void(std::string)> whole_;
};

}  // namespace

std::string_view HttpRequestHead::query() const {
  const auto mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

std::optional<std::string_view> HttpRequestHead::header(std::string_view name) const {
  for (const HttpField& field : fields)
    if (boost::beast::iequals({field.name.data(), field.name.size()}, {name.data(), name.size()}))
      return field.value;
  return std::nullopt;
}

HttpBodyPlan HttpBodyPlan::whole(std::size_t bytes_max, std::function<void(std::string)> whole) {
  return {bytes_max, std::make_unique<WholeBody>(std::move(whole))};
}

}  // namespace tutti::transport
