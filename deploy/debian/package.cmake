# Two Debian packages: earshot, and libearshot-dev for who writes an actor. `make -f Makefile.dev package` builds them with what this needs.
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  return() # paths are compiled in, and Debian's programs live in /usr
endif()
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME earshot)
set(CPACK_PACKAGE_VENDOR earshot)
set(CPACK_PACKAGE_CONTACT "earshot <earshot@localhost>" CACHE STRING "who answers for the packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "live audio in, words out")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL earshot dev)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_EARSHOT_PACKAGE_NAME earshot)
set(CPACK_DEBIAN_EARSHOT_PACKAGE_SECTION sound)
set(CPACK_DEBIAN_EARSHOT_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_EARSHOT_DESCRIPTION "A WebSocket edge takes audio from browsers and programs, a broker deals it to
transcribers on this machine or on others, and the words come back while
people still speak. Rooms bring them to everybody, recordings become jobs that
end in a transcript and an analysis.

Nothing listens to other machines until the settings say so.")
# libwebsockets loads its event loop by name, and dpkg-shlibdeps does not see that.
set(CPACK_DEBIAN_EARSHOT_PACKAGE_DEPENDS "libwebsockets-evlib-ev, ca-certificates, passwd")
set(CPACK_DEBIAN_EARSHOT_PACKAGE_RECOMMENDS "pocketsphinx-en-us")
set(CPACK_DEBIAN_EARSHOT_PACKAGE_SUGGESTS "postgresql, prometheus")
set(scripts ${CMAKE_CURRENT_SOURCE_DIR}/debian)
set(CPACK_DEBIAN_EARSHOT_PACKAGE_CONTROL_EXTRA ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm ${scripts}/conffiles)

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libearshot-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_DESCRIPTION "A static library, headers, pkg-config and CMake files for programs that take
streams from a broker of earshot and give words back.")
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libczmq-dev, libzmq3-dev, libmsgpack-dev")

set(changelog ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz)
add_custom_command(OUTPUT ${changelog} COMMAND sh -c "gzip -9n <'${CMAKE_SOURCE_DIR}/CHANGELOG.md' >'${changelog}'"
                   DEPENDS ${CMAKE_SOURCE_DIR}/CHANGELOG.md VERBATIM)
add_custom_target(changelog ALL DEPENDS ${changelog})
foreach(pair "earshot;earshot" "dev;libearshot-dev")
  list(GET pair 0 component)
  list(GET pair 1 name)
  install(FILES debian/copyright ${changelog} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} COMPONENT ${component})
endforeach()

# What README.md points to lies beside it as in the source; what is installed elsewhere is a link.
set(texts ${CMAKE_INSTALL_DATADIR}/doc/earshot)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/SECURITY.md DESTINATION ${texts})
install(FILES ${CMAKE_SOURCE_DIR}/proto/PROTOCOL.md DESTINATION ${texts}/proto)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/proto/vectors DESTINATION ${texts}/proto)
foreach(pair "actors/edge/web;web" "deploy/grafana;grafana")
  list(GET pair 0 link)
  list(GET pair 1 folder)
  get_filename_component(at ${link} DIRECTORY)
  file(RELATIVE_PATH target /${texts}/${at} /${CMAKE_INSTALL_DATADIR}/earshot/${folder})
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/texts/${at})
  file(CREATE_LINK ${target} ${CMAKE_CURRENT_BINARY_DIR}/texts/${link} SYMBOLIC)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/texts/${link} DESTINATION ${texts}/${at})
endforeach()
set(examples ${CMAKE_SOURCE_DIR}/actors/examples)
install(FILES ${examples}/level.c ${examples}/level.py ${examples}/room_bot.py DESTINATION ${texts}/actors/examples)
install(FILES ${examples}/level.c ${examples}/level.py ${examples}/room_bot.py DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libearshot-dev/examples COMPONENT dev)
include(CPack)
