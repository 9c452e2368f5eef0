// Which handler a method and a path belong to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tutti::rest {

/// Patterns such as "/documents/{id}/content". A segment in braces matches any one segment that is
/// not empty; a pattern that was added earlier wins. Handlers are numbers that mean something to
/// who adds them.
class RouteTable {
 public:
  void add(std::string_view method, std::string_view pattern, int handler);

  struct Match {
    enum class Kind { Found, WrongMethod, NoSuchPath };
    Kind kind = Kind::NoSuchPath;
    int handler = 0;
    std::vector<std::string> parameters;  ///< what stood for the braces, in their order
    std::string allowed;                  ///< "DELETE, GET", of WrongMethod
  };
  Match find(std::string_view method, const std::vector<std::string>& segments) const;
  /// Does any pattern match, whatever its method?
  bool knows(const std::vector<std::string>& segments) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;  ///< "{}" for any
    int handler;
  };
  std::vector<Route> routes_;
};

}  // namespace tutti::rest
