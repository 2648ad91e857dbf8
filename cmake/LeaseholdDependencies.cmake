# Where everything that is not ours comes from (DESIGN: dependencies).
# `./dev setup` provides what Debian does not package in a usable version and
# tells us through the environment where it is.

find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(SQLite3 3.35 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS filesystem)

if(LEASEHOLD_POSTGRES)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET GLOBAL libpqxx>=6.4)
  pkg_check_modules(PQ REQUIRED IMPORTED_TARGET GLOBAL libpq)
endif()

find_package(CAF 0.18.7 QUIET COMPONENTS core
  HINTS $ENV{LEASEHOLD_CAF_ROOT})
if(NOT CAF_FOUND)
  message(FATAL_ERROR "CAF 0.18.7 or newer is not installed. Run ./dev setup, "
                      "or set CAF_ROOT to where you installed it.")
endif()

find_path(LEASEHOLD_VALIJSON_INCLUDE valijson/validator.hpp
  HINTS $ENV{LEASEHOLD_VALIJSON_ROOT})
if(NOT LEASEHOLD_VALIJSON_INCLUDE)
  message(FATAL_ERROR "valijson's headers are not installed. Run ./dev setup.")
endif()
# Headers only, for one source of ours; users never see it.
add_library(leasehold_valijson INTERFACE)
target_include_directories(leasehold_valijson SYSTEM INTERFACE
  ${LEASEHOLD_VALIJSON_INCLUDE})

find_path(LEASEHOLD_SODIUM_INCLUDE sodium.h)
if(NOT LEASEHOLD_SODIUM_INCLUDE)
  message(FATAL_ERROR "libsodium is not installed. Run ./dev setup.")
endif()
