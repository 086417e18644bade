package capture

import "strings"

// about is what a resource is about: some name people, who are nobody's business.
type about uint8

const (
	aboutOthers about = iota
	aboutPeople
)

// ofPeople are the resources that name people (protocol-users.md, 1).
var ofPeople = []string{userStatus, "/configuration/users", "/configuration/workgroups/"}

// userStatus is the resource of the status of one user, whose id follows.
const userStatus = "/status/user-statuses"

func aboutOf(path string) about {
	for _, resource := range ofPeople {
		if strings.Contains(path, resource) {
			return aboutPeople
		}
	}
	return aboutOthers
}

// person puts a placeholder in the place of the user whose status a path asks for.
func (r *redactor) person(path string) string {
	before, id, found := strings.Cut(path, userStatus+"/")
	if !found {
		return path
	}
	return before + userStatus + "/" + r.placeholder(kindPerson, id)
}
