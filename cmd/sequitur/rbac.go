package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/sequitur-dev/sequitur/fixtures/target/kube"
)

func newRBACCommand() *cobra.Command {
	var namespace, account string
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "Print the least rights that a run needs in a cluster",
		Long: `Print manifests of a service account with the least rights that a run needs in a cluster, and nothing else. A Job that
--in-cluster makes gets these rights by itself, from somebody who has them.`,
		Example: `  sequitur rbac | kubectl apply -f -
  kubectl create token sequitur --namespace sequitur     # for the kubeconfig of whoever runs sequitur conform`,
		Args: takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for flag, check := range map[string]struct {
				value string
				valid func(string) []string
			}{"namespace": {namespace, validation.IsDNS1123Label}, "service-account": {account, validation.IsDNS1123Subdomain}} {
				if problems := check.valid(check.value); len(problems) > 0 {
					return usage("--%s %q: %s", flag, check.value, problems[0])
				}
			}
			var documents []string
			for _, o := range rights(namespace, account) {
				text, err := yaml.Marshal(o)
				if err != nil {
					return err
				}
				documents = append(documents, string(text))
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), strings.Join(documents, "---\n"))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&namespace, "namespace", "sequitur", "`namespace` of the service account; made unless it is default")
	f.StringVar(&account, "service-account", "sequitur", "`name` of the service account, and of its ClusterRole and ClusterRoleBinding")
	return cmd
}

// rights are the manifests of a service account that may do what a run needs.
func rights(namespace, account string) []any {
	meta := func(namespace string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: account, Namespace: namespace}
	}
	var list []any
	if namespace != metav1.NamespaceDefault {
		list = append(list, corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	}
	rbac := rbacv1.SchemeGroupVersion.String()
	return append(list,
		corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: meta(namespace)},
		rbacv1.ClusterRole{TypeMeta: metav1.TypeMeta{APIVersion: rbac, Kind: "ClusterRole"}, ObjectMeta: meta(""), Rules: kube.Rules()},
		rbacv1.ClusterRoleBinding{TypeMeta: metav1.TypeMeta{APIVersion: rbac, Kind: "ClusterRoleBinding"}, ObjectMeta: meta(""),
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: account},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account, Namespace: namespace}}})
}
