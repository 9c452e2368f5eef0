# Each third-party library as one target, so that a folder names what it uses and nothing more.
# Static archives are preferred: the installed program is then one file.
find_package(Threads REQUIRED)
find_path(BOOST_181_INCLUDE boost/beast.hpp REQUIRED)
file(STRINGS "${BOOST_181_INCLUDE}/boost/version.hpp" boost_version REGEX "#define BOOST_VERSION [0-9]+")
string(REGEX REPLACE "[^0-9]" "" boost_version "${boost_version}")
if(boost_version LESS 108100)
  message(FATAL_ERROR "Boost 1.81 or newer is needed (libboost1.81-dev); found ${boost_version}")
endif()

function(tutti_dependency name archive)
  find_library(TUTTI_LIB_${name} NAMES ${archive} ${name} REQUIRED)
  add_library(dep_${name} INTERFACE)
  target_link_libraries(dep_${name} INTERFACE ${TUTTI_LIB_${name}})
endfunction()

tutti_dependency(sqlite3 libsqlite3.a)
target_link_libraries(dep_sqlite3 INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)
tutti_dependency(re2 libre2.a)
target_link_libraries(dep_re2 INTERFACE Threads::Threads)
tutti_dependency(yaml-cpp libyaml-cpp.a)
tutti_dependency(sodium libsodium.a)
target_link_libraries(dep_sodium INTERFACE Threads::Threads)
tutti_dependency(boost_filesystem libboost_filesystem.a)

# Asio and Beast are compiled once, into this library; everybody else sees declarations only.
add_library(tutti_net STATIC "${CMAKE_SOURCE_DIR}/cmake/net_impl.cpp")
target_link_libraries(tutti_net PUBLIC tutti_options Threads::Threads)
tutti_fuzzed(tutti_net)
